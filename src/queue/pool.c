/*
 * Chunks of 512 items; free items are linked through their first four bytes, with the high bit set
 * so that a free item can never be taken for a live one (its own handle stands there then). That
 * limits handles to 31 bits.
 *
 * Chunks are never returned to the system before pool_done(): a queue that was long once may be so
 * again, and its peak is what the machine must have anyway.
 */
#include "queue/pool.h"

#include "base/buf.h"

enum { CHUNK_ITEMS = 512 };
static const uint32_t FREE_MARK = UINT32_C(1) << 31;

void pool_init(struct pool *pool, size_t item_size)
{
    *pool = (struct pool){.item_size = item_size, .end = 1};
}

void pool_done(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_chunks; i++)
        free(pool->chunks[i]);
    free(pool->chunks);
    pool_init(pool, pool->item_size);
}

void *pool_at(const struct pool *pool, uint32_t handle)
{
    return pool->chunks[handle / CHUNK_ITEMS] + (handle % CHUNK_ITEMS) * pool->item_size;
}

static void add_chunk(struct pool *pool)
{
    pool->chunks = xrealloc(pool->chunks, (pool->n_chunks + 1) * sizeof(*pool->chunks));
    pool->chunks[pool->n_chunks++] = xmalloc(CHUNK_ITEMS * pool->item_size);
}

uint32_t pool_take(struct pool *pool)
{
    uint32_t handle = pool->first_free;
    uint32_t *item;

    if (handle) {
        item = pool_at(pool, handle);
        pool->first_free = *item & ~FREE_MARK;
    } else {
        handle = pool->end++;
        if (handle / CHUNK_ITEMS >= pool->n_chunks)
            add_chunk(pool);
        item = pool_at(pool, handle);
    }
    memset(item, 0, pool->item_size);
    *item = handle;
    pool->live++;
    return handle;
}

void pool_give(struct pool *pool, uint32_t handle)
{
    uint32_t *item = pool_at(pool, handle);

    *item = pool->first_free | FREE_MARK;
    pool->first_free = handle;
    pool->live--;
}

void *pool_next(const struct pool *pool, uint32_t *handle)
{
    for (uint32_t next = *handle + 1; next < pool->end; next++) {
        uint32_t *item = pool_at(pool, next);
        if (*item == next) {
            *handle = next;
            return item;
        }
    }
    return NULL;
}
