/*
 * Chunks of 512 items; free items are linked through their first four bytes, with the high bit set
 * so that a free item can never be taken for a live one (its own handle stands there then). That
 * limits handles to 31 bits.
 *
 * Chunks are never returned to the system before slab_done(): a queue that was long once may be so
 * again, and its peak is what the machine must have anyway.
 */
#include "queue/slab.h"

#include "base/buf.h"

enum { CHUNK_ITEMS = 512 };
static const uint32_t FREE_MARK = UINT32_C(1) << 31;

void slab_init(struct slab *slab, size_t item_size)
{
    *slab = (struct slab){.item_size = item_size, .end = 1};
}

void slab_done(struct slab *slab)
{
    for (uint32_t i = 0; i < slab->n_chunks; i++)
        free(slab->chunks[i]);
    free(slab->chunks);
    slab_init(slab, slab->item_size);
}

void *slab_at(const struct slab *slab, uint32_t handle)
{
    return slab->chunks[handle / CHUNK_ITEMS] + (handle % CHUNK_ITEMS) * slab->item_size;
}

static void add_chunk(struct slab *slab)
{
    slab->chunks = xrealloc(slab->chunks, (slab->n_chunks + 1) * sizeof(*slab->chunks));
    slab->chunks[slab->n_chunks++] = xmalloc(CHUNK_ITEMS * slab->item_size);
}

uint32_t slab_take(struct slab *slab)
{
    uint32_t handle = slab->first_free;
    uint32_t *item;

    if (handle) {
        item = slab_at(slab, handle);
        slab->first_free = *item & ~FREE_MARK;
    } else {
        handle = slab->end++;
        if (handle / CHUNK_ITEMS >= slab->n_chunks)
            add_chunk(slab);
        item = slab_at(slab, handle);
    }
    memset(item, 0, slab->item_size);
    *item = handle;
    slab->live++;
    return handle;
}

void slab_give(struct slab *slab, uint32_t handle)
{
    uint32_t *item = slab_at(slab, handle);

    *item = slab->first_free | FREE_MARK;
    slab->first_free = handle;
    slab->live--;
}

void *slab_next(const struct slab *slab, uint32_t *handle)
{
    for (uint32_t next = *handle + 1; next < slab->end; next++) {
        uint32_t *item = slab_at(slab, next);
        if (*item == next) {
            *handle = next;
            return item;
        }
    }
    return NULL;
}
