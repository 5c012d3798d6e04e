/*
 * Items of one size with 32-bit handles: half the size of a pointer, and no allocator's overhead.
 *
 * Items lie in chunks that never move, so that pointers to them are good until they are given
 * back. Handle 0 is never handed out and means "none". An item's first four bytes must be a
 * uint32_t in which its owner keeps the handle while the item lives; that is how a walk over all
 * handles tells the living from the free.
 */
#ifndef NUNCIO_QUEUE_SLAB_H
#define NUNCIO_QUEUE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab {
    size_t item_size;
    char **chunks;
    uint32_t n_chunks;
    uint32_t end;        /* handles below it have been handed out at some time */
    uint32_t first_free; /* 0: none */
    uint32_t live;
};

/* item_size is a multiple of the item's alignment. */
void slab_init(struct slab *slab, size_t item_size);
void slab_done(struct slab *slab);

/* A zeroed item whose handle stands in its first four bytes. Never 0. */
uint32_t slab_take(struct slab *slab);
void slab_give(struct slab *slab, uint32_t handle);
/* The handle must be live. */
void *slab_at(const struct slab *slab, uint32_t handle);
/* The first live item behind *handle (0 at the start), which becomes its handle; NULL at the end.
 * Items that come and go between calls may or may not be seen; the others are seen once. */
void *slab_next(const struct slab *slab, uint32_t *handle);

#endif
