/*
 * The entries of a table file by name: "joe@example.org", or "joe", which stands for joe in every
 * domain that uses the file. Names are compared as addresses are (mail/address.h).
 */
#ifndef NUNCIO_ACCOUNT_NAME_TABLE_H
#define NUNCIO_ACCOUNT_NAME_TABLE_H

#include "base/arena.h"

#include <stdlib.h>
#include <uthash.h>

/* The first member of what is kept; the memory is the caller's. */
struct name_entry {
    struct slice name; /* canonical, see name_table_key() */
    unsigned line;     /* of the file */
    UT_hash_handle hh;
};

struct name_table {
    struct name_entry *entries;
};

/* The canonical form of a name in a file, or false when it is neither an address nor a local part
 * of one. From the arena. */
bool name_table_key(struct arena *arena, struct slice name, struct slice *ret_key);
/* NULL, or the entry that has this name already, which stays. */
const struct name_entry *name_table_add(struct name_table *table, struct name_entry *entry);
/* By canonical address: under itself, or under its local part. NULL: none. */
const struct name_entry *name_table_find(const struct name_table *table, struct slice address);
/* Forgets the entries. */
void name_table_done(struct name_table *table);

#endif
