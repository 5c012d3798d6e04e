/* Linear probing; a removal moves the entries behind the gap back (Knuth, algorithm 6.4R). */
#include "queue/table.h"

#include "base/buf.h"

enum { SIZE_MIN = 64 };

void table_init(struct table *table, uint64_t (*hash_of)(const void *owner, uint32_t handle),
                const void *owner)
{
    *table = (struct table){.hash_of = hash_of, .owner = owner};
}

void table_done(struct table *table)
{
    free(table->slots);
    table_init(table, table->hash_of, table->owner);
}

uint64_t table_mix(uint64_t number)
{
    number ^= number >> 31;
    number *= UINT64_C(0x9e3779b97f4a7c15);
    number ^= number >> 29;
    number *= UINT64_C(0xbf58476d1ce4e5b9);
    return number ^ number >> 32;
}

uint32_t table_find(const struct table *table, uint64_t hash,
                    bool (*is)(const void *owner, uint32_t handle, const void *key),
                    const void *key)
{
    if (!table->size)
        return 0;
    for (size_t i = hash & (table->size - 1); table->slots[i]; i = (i + 1) & (table->size - 1)) {
        if (is(table->owner, table->slots[i], key))
            return table->slots[i];
    }
    return 0;
}

static void put(struct table *table, uint32_t handle)
{
    size_t i = table->hash_of(table->owner, handle) & (table->size - 1);

    while (table->slots[i])
        i = (i + 1) & (table->size - 1);
    table->slots[i] = handle;
}

static void grow(struct table *table)
{
    uint32_t *old = table->slots;
    size_t old_size = table->size;

    table->size = old_size ? old_size * 2 : SIZE_MIN;
    table->slots = xcalloc(table->size, sizeof(*table->slots));
    for (size_t i = 0; i < old_size; i++) {
        if (old[i])
            put(table, old[i]);
    }
    free(old);
}

void table_add(struct table *table, uint32_t handle)
{
    if ((table->used + 1) * 2 > table->size)
        grow(table);
    put(table, handle);
    table->used++;
}

/* Does the entry at `at` still lie behind its home when the gap is an end of the probe? */
static bool stays(size_t gap, size_t home, size_t at)
{
    return gap <= at ? gap < home && home <= at : gap < home || home <= at;
}

void table_remove(struct table *table, uint32_t handle)
{
    size_t mask = table->size - 1, gap;

    if (!table->size)
        return;
    gap = table->hash_of(table->owner, handle) & mask;
    while (table->slots[gap] && table->slots[gap] != handle)
        gap = (gap + 1) & mask;
    if (!table->slots[gap])
        return;
    for (size_t at = (gap + 1) & mask; table->slots[at]; at = (at + 1) & mask) {
        size_t home = table->hash_of(table->owner, table->slots[at]) & mask;
        if (stays(gap, home, at))
            continue;
        table->slots[gap] = table->slots[at];
        gap = at;
    }
    table->slots[gap] = 0;
    table->used--;
}
