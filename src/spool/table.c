/*
 * Open addressing with linear probing and removal by shifting back, so that there are no graves.
 * See table.h.
 */
#include "spool/table.h"

#include "base/buf.h"

enum { SLOTS_MIN = 64 };

void live_table_done(struct live_table *table)
{
    free(table->slots);
    *table = (struct live_table){0};
}

/* Ids count up, so their low bits alone would do; the multiplication keeps writers apart. */
static size_t home(const struct live_table *table, uint64_t id)
{
    return (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & table->mask;
}

struct live *live_table_find(const struct live_table *table, uint64_t id)
{
    if (!table->slots)
        return NULL;
    for (size_t i = home(table, id); table->slots[i].id; i = (i + 1) & table->mask) {
        if (table->slots[i].id == id)
            return &table->slots[i];
    }
    return NULL;
}

static void put(struct live_table *table, const struct live *live)
{
    size_t i = home(table, live->id);

    while (table->slots[i].id)
        i = (i + 1) & table->mask;
    table->slots[i] = *live;
}

static void grow(struct live_table *table)
{
    struct live_table wider = {.count = table->count};
    size_t slots = table->slots ? (table->mask + 1) * 2 : SLOTS_MIN;

    wider.slots = xcalloc(slots, sizeof(wider.slots[0]));
    wider.mask = slots - 1;
    for (size_t i = 0; table->slots && i <= table->mask; i++) {
        if (table->slots[i].id)
            put(&wider, &table->slots[i]);
    }
    free(table->slots);
    *table = wider;
}

void live_table_add(struct live_table *table, const struct live *live)
{
    if (!table->slots || (table->count + 1) * 8 > (table->mask + 1) * 7)
        grow(table);
    put(table, live);
    table->count++;
}

void live_table_remove(struct live_table *table, struct live *live)
{
    size_t hole = (size_t)(live - table->slots);

    for (size_t i = (hole + 1) & table->mask; table->slots[i].id; i = (i + 1) & table->mask) {
        size_t wanted = home(table, table->slots[i].id);
        /* Into the hole only if that is not in front of the entry's home. */
        if (((i - wanted) & table->mask) >= ((i - hole) & table->mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole].id = 0;
    table->count--;
}

static int by_place(const void *a, const void *b)
{
    const struct live *x = a, *y = b;

    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

struct live *live_table_sorted(const struct live_table *table)
{
    struct live *all = xcalloc(table->count + 1, sizeof(*all));
    size_t n = 0;

    for (size_t i = 0; table->slots && i <= table->mask; i++) {
        if (table->slots[i].id)
            all[n++] = table->slots[i];
    }
    qsort(all, n, sizeof(*all), by_place);
    return all;
}
