/*
 * A direct-mapped cache. See cache.h. Clearing is a new generation, not a walk.
 */
#include "account/cache.h"

#include "base/buf.h"

struct entry {
    char *bytes; /* key, then value */
    size_t key_len, value_len;
    uint64_t generation; /* 0: never used */
};

struct cache {
    uint64_t generation;
    struct entry entries[CACHE_PLACES];
};

struct cache *cache_new(void)
{
    struct cache *cache = xcalloc(1, sizeof(*cache));

    cache->generation = 1;
    return cache;
}

void cache_free(struct cache *cache)
{
    for (size_t i = 0; i < CACHE_PLACES; i++)
        free(cache->entries[i].bytes);
    free(cache);
}

void cache_clear(struct cache *cache)
{
    cache->generation++;
}

static size_t place_of(struct slice key)
{
    return slice_hash(key) % CACHE_PLACES;
}

void cache_put(struct cache *cache, struct slice key, struct slice value)
{
    struct entry *entry = &cache->entries[place_of(key)];

    if (key.len == 0 || key.len + value.len > CACHE_ENTRY_MAX)
        return;
    entry->bytes = xrealloc(entry->bytes, key.len + value.len);
    memcpy(entry->bytes, key.ptr, key.len);
    if (value.len)
        memcpy(entry->bytes + key.len, value.ptr, value.len);
    entry->key_len = key.len;
    entry->value_len = value.len;
    entry->generation = cache->generation;
}

bool cache_get(const struct cache *cache, struct slice key, struct slice *ret_value)
{
    const struct entry *entry = &cache->entries[place_of(key)];

    if (entry->generation != cache->generation ||
        !slice_eq(slice_from(entry->bytes, entry->key_len), key))
        return false;
    *ret_value = slice_from(entry->bytes + entry->key_len, entry->value_len);
    return true;
}
