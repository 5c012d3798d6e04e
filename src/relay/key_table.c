/* The keys of the ring. See key_table.h. */
#include "relay/key_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct key_table *key_table_new(void)
{
    struct key_table *table = xcalloc(1, sizeof(*table));

    arena_init(&table->arena);
    return table;
}

void key_table_free(struct key_table *table)
{
    if (!table)
        return;
    arena_done(&table->arena);
    free(table->keys);
    free(table);
}

static bool read_key(struct arena *arena, const struct msg_key *from, struct ring_key *ret_key)
{
    struct dkim_key read;

    if (from->domain.len > DNS_NAME_MAX || from->selector.len > DNS_NAME_MAX ||
        dkim_key_read(from->record, arena, &read))
        return false;
    *ret_key = (struct ring_key){.domain = arena_dup(arena, from->domain),
                                 .selector = arena_dup(arena, from->selector),
                                 .sender = arena_dup(arena, from->sender),
                                 .record = arena_dup(arena, from->record),
                                 .kind = read.kind,
                                 .made_s = from->made_s,
                                 .retired = from->retired,
                                 .seen = from->seen,
                                 .told = from->seen};
    return true;
}

int key_table_add(struct key_table *table, const struct msg_keys *message)
{
    if (message->n_keys > KEYS_MAX - table->count)
        return -EBADMSG;
    table->keys =
        xrealloc(table->keys, (table->count + message->n_keys + 1) * sizeof(*table->keys));
    for (uint32_t i = 0; i < message->n_keys; i++) {
        if (!read_key(&table->arena, &message->keys[i], &table->keys[table->count]))
            return -EBADMSG;
        table->count++;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct ring_key *left = a, *right = b;
    int order = slice_cmp(left->domain, right->domain);

    return order ? order : slice_cmp(left->selector, right->selector);
}

void key_table_sort(struct key_table *table)
{
    if (table->count)
        qsort(table->keys, table->count, sizeof(*table->keys), compare);
}

/* The first key of the domain, or where it would be. */
static unsigned first_of(const struct key_table *table, struct slice domain)
{
    unsigned from = 0, to = table->count;

    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        if (slice_cmp(table->keys[middle].domain, domain) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_of(const struct key_table *table, unsigned i, struct slice domain)
{
    return i < table->count && slice_eq(table->keys[i].domain, domain);
}

struct ring_key *key_table_find(const struct key_table *table, struct slice domain,
                                struct slice selector, struct slice record)
{
    for (unsigned i = first_of(table, domain); is_of(table, i, domain); i++) {
        struct ring_key *key = &table->keys[i];
        if (slice_eq(key->selector, selector))
            return slice_eq(key->record, record) ? key : NULL;
    }
    return NULL;
}

/* Is `key` a better one to sign with than `than` (or NULL)? */
static bool is_better(const struct ring_key *key, const struct ring_key *than)
{
    if (!than || key->retired != than->retired)
        return !than || than->retired;
    return key->made_s > than->made_s;
}

/* The best key of the kind that signs for this sender (empty: for all) of the domain, or NULL. */
static const struct ring_key *best_of(const struct key_table *table, struct slice domain,
                                      struct slice sender, enum dkim_key_kind kind)
{
    const struct ring_key *best = NULL;

    for (unsigned i = first_of(table, domain); is_of(table, i, domain); i++) {
        const struct ring_key *key = &table->keys[i];
        if (key->seen && key->kind == kind && slice_eq(key->sender, sender) && is_better(key, best))
            best = key;
    }
    return best;
}

static unsigned choose_for(const struct key_table *table, struct slice domain, struct slice sender,
                           struct key_choice ret_choices[KEY_CHOICES_MAX])
{
    static const enum dkim_key_kind kinds[KEY_CHOICES_MAX] = {DKIM_KEY_RSA, DKIM_KEY_ED25519};
    unsigned n = 0;

    for (unsigned i = 0; i < KEY_CHOICES_MAX; i++) {
        const struct ring_key *key = best_of(table, domain, sender, kinds[i]);
        if (!key)
            continue;
        ret_choices[n].kind = key->kind;
        snprintf(ret_choices[n].domain, sizeof(ret_choices[n].domain), "%.*s",
                 SLICE_ARG(key->domain));
        snprintf(ret_choices[n].selector, sizeof(ret_choices[n].selector), "%.*s",
                 SLICE_ARG(key->selector));
        n++;
    }
    return n;
}

unsigned key_table_choose(const struct key_table *table, struct slice domain, struct slice author,
                          struct key_choice ret_choices[KEY_CHOICES_MAX])
{
    unsigned n = choose_for(table, domain, author, ret_choices);

    return n ? n : choose_for(table, domain, SLICE_NULL, ret_choices);
}
