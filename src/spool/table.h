/*
 * Which messages are live, and where: message id -> location, by open addressing. 32 bytes a slot,
 * at most seven of eight in use.
 */
#ifndef NUNCIO_SPOOL_TABLE_H
#define NUNCIO_SPOOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum live_flags {
    LIVE_BODY_FILE = 1,
    LIVE_MOVING = 2,     /* a copy is on its way */
    LIVE_CHECK_BODY = 4, /* nobody has seen yet whether its body file is there */
    LIVE_ASIDE = 8,      /* kept, but not told: it could not be read or understood */
};

struct live {
    uint64_t id; /* 0: empty slot */
    uint32_t segment;
    uint32_t offset;
    uint32_t length;
    uint32_t flags;
    uint32_t signature_in; /* where its signature is: LIVE_NO_SIGNATURE and so on, or a segment */
    uint32_t signature_at;
};

/* Other values of signature_in are a segment of the own log plus LIVE_SIGNATURE_SEGMENT;
 * signature_at is the place of the outcome there, or of the state in the checkpoint. */
enum { LIVE_NO_SIGNATURE = 0, LIVE_SIGNATURE_CHECKPOINT = 1, LIVE_SIGNATURE_SEGMENT = 2 };

struct live_table {
    struct live *slots;
    size_t mask; /* slots - 1; 0: none yet */
    size_t count;
};

void live_table_done(struct live_table *table);
/* NULL when it is not there. Good until the next change. */
struct live *live_table_find(const struct live_table *table, uint64_t id);
/* The id must not be in the table, nor 0. */
void live_table_add(struct live_table *table, const struct live *live);
void live_table_remove(struct live_table *table, struct live *live);
/* All of them in the order of segment and offset; to be freed. */
struct live *live_table_sorted(const struct live_table *table);

#endif
