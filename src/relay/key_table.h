/*
 * The keys of the ring, sorted by domain and selector, and which of them sign. Of key_ring.c alone,
 * which has the lock.
 */
#ifndef NUNCIO_RELAY_KEY_TABLE_H
#define NUNCIO_RELAY_KEY_TABLE_H

#include "relay/key_ring.h"

struct ring_key {
    struct slice domain, selector, sender, record;
    enum dkim_key_kind kind;
    uint64_t made_s;
    bool retired;
    bool seen;        /* in the DNS, as far as we know */
    bool told;        /* as keys knows it */
    bool asking;      /* a question is under way */
    uint64_t look_at; /* when to look for it, clock_mono_ms() */
};

struct key_table {
    struct arena arena;
    struct ring_key *keys; /* KEYS_MAX at most */
    unsigned count;
};

struct key_table *key_table_new(void);
void key_table_free(struct key_table *table); /* NULL is fine */
/* Copies. -EBADMSG: too many, or no key. */
int key_table_add(struct key_table *table, const struct msg_keys *message);
/* Before it is searched. */
void key_table_sort(struct key_table *table);

/* NULL: there is no such key, or another one by this name. */
struct ring_key *key_table_find(const struct key_table *table, struct slice domain,
                                struct slice selector, struct slice record);

/* The keys of just this domain that sign for the address, both in the form of address_key().
 * Returns their number. */
unsigned key_table_choose(const struct key_table *table, struct slice domain, struct slice author,
                          struct key_choice ret_choices[KEY_CHOICES_MAX]);

#endif
