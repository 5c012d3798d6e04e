/*
 * The recipients of a transaction: a growing array in an arena, and a table that finds a duplicate
 * at once, however many there are.
 */
#ifndef NUNCIO_RECEIVE_RECIPIENTS_H
#define NUNCIO_RECEIVE_RECIPIENTS_H

#include "mail/envelope.h"

struct recipients {
    struct recipient *list;
    uint32_t count;
    uint32_t size;
    struct slice *keys; /* of list[i] */
    uint32_t *table;    /* index + 1; 0: empty; open addressing */
    uint32_t table_size;
};

/*
 * Adds one, its strings copied into the arena; the index of it, or of the one that is the same
 * mailbox and was there before. Local parts are the same in any case if the domain is ours
 * (CLASS_LOCAL), otherwise byte by byte: another server may tell joe from JOE.
 */
uint32_t recipients_add(struct recipients *recipients, struct arena *arena,
                        const struct recipient *recipient);

#endif
