/*
 * A place for each of the ids that have the same remainder. While a message's fields are being made
 * its place is taken; nothing replaces it then, so that those who wait for it find it.
 */
#include "relay/sign_cache.h"

#include "base/buf.h"
#include "io/condition.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct place {
    uint64_t id; /* 0: empty */
    bool busy;   /* somebody makes them */
    char *fields;
    size_t length;
};

struct sign_cache {
    pthread_mutex_t lock; /* guards the places */
    pthread_cond_t changed;
    struct place places[SIGN_CACHE_PLACES];
};

struct sign_cache *sign_cache_new(void)
{
    struct sign_cache *cache = xcalloc(1, sizeof(*cache));

    pthread_mutex_init(&cache->lock, NULL);
    condition_init(&cache->changed);
    return cache;
}

static void empty(struct place *place)
{
    free(place->fields);
    *place = (struct place){0};
}

void sign_cache_free(struct sign_cache *cache)
{
    if (!cache)
        return;
    for (unsigned i = 0; i < SIGN_CACHE_PLACES; i++)
        empty(&cache->places[i]);
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct place *place_of(struct sign_cache *cache, uint64_t id)
{
    return &cache->places[id % SIGN_CACHE_PLACES];
}

/* With the lock held. */
static void wait_while_busy(struct sign_cache *cache, const struct place *place, uint64_t id,
                            uint64_t deadline)
{
    const struct timespec until = condition_deadline(deadline);

    while (place->id == id && place->busy) {
        if (pthread_cond_timedwait(&cache->changed, &cache->lock, &until) == ETIMEDOUT)
            return;
    }
}

bool sign_cache_find(struct sign_cache *cache, uint64_t id, uint64_t deadline, struct arena *arena,
                     struct slice *ret_fields)
{
    struct place *place = place_of(cache, id);
    bool found;

    pthread_mutex_lock(&cache->lock);
    wait_while_busy(cache, place, id, deadline);
    found = place->id == id && !place->busy;
    if (found) {
        *ret_fields = arena_dup(arena, slice_from(place->fields, place->length));
    } else if (!place->busy) {
        empty(place);
        place->id = id;
        place->busy = true;
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void sign_cache_keep(struct sign_cache *cache, uint64_t id, struct slice fields)
{
    struct place *place = place_of(cache, id);

    pthread_mutex_lock(&cache->lock);
    if (place->id == id && place->busy) {
        empty(place);
        if (fields.len) {
            place->id = id;
            place->fields = xslicedup(fields);
            place->length = fields.len;
        }
        pthread_cond_broadcast(&cache->changed);
    }
    pthread_mutex_unlock(&cache->lock);
}
