/*
 * A message text on its way in: in memory while it is small and memory lasts, else in a file of its
 * own. The public face is in spool.h; this is what the writer needs besides.
 */
#ifndef NUNCIO_SPOOL_BODY_H
#define NUNCIO_SPOOL_BODY_H

#include "spool/spool.h"

#include <stdatomic.h>

/* Where bodies are kept, shared by all bodies of a writer. */
struct body_place {
    struct disk *disk;
    const char *directory;
    uint64_t inline_max;
    uint64_t memory_max;
    atomic_uint_least64_t memory; /* bytes in blocks of all bodies */
};

struct body_block {
    struct body_block *next;
    size_t size;
    size_t used;
    char bytes[];
};

struct spool_body {
    struct body_place *place;
    uint64_t id;
    uint64_t size; /* bytes given */
    uint32_t crc;  /* CRC-32C of them */
    struct body_block *first, *last;
    uint32_t room;    /* to be kept in front of the text when it goes to a file */
    uint32_t start;   /* where the text begins in the file */
    uint64_t written; /* end of what is in the file */
    int handle;       /* of the file, -1 while in memory */
    int failed;       /* sticky -errno */
};

struct spool_body *body_new(struct body_place *place, uint64_t id);
/* In memory as long as it is not above inline_max, whatever the budget says: for texts that the
 * caller holds in memory anyway. */
int body_add_whole(struct spool_body *body, struct slice text);

/* Writes what is left, then syncs the file; nothing for a body in memory. The directory entry is
 * still to be synced. */
int body_sync(struct spool_body *body);
/* The record is durable: the file stays, the rest is freed. */
void body_keep(struct spool_body *body);

#endif
