/*
 * A table of sets of four, each entry one piece of memory with all that it points to. What is put
 * in takes the place of an entry of its set that has expired, or of the one that will do so first.
 * Locks are many, so that threads do not meet there; one is held for a comparison and a copy.
 *
 * What it does not do: answer for a name from another one's absence, or keep what has expired.
 */
#include "dns/answer_cache.h"

#include "base/buf.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SETS = 4096,
    WAYS = 4,
    LOCKS = 64,
    ENTRY_MAX = 8 * 1024,         /* larger answers are left to libunbound */
    BYTES_MAX = 16 * 1024 * 1024, /* then no more is put in until something goes */
    TTL_MAX_S = 3600,
};

struct entry {
    uint64_t expires_ms;
    size_t size;
    enum dns_type type;
    const char *name;
    struct dns_answer answer;
};

struct answer_cache {
    pthread_mutex_t locks[LOCKS]; /* of each 64th set */
    struct entry *sets[SETS][WAYS];
    atomic_size_t bytes;
};

struct answer_cache *answer_cache_new(void)
{
    struct answer_cache *cache = xcalloc(1, sizeof(*cache));

    for (unsigned i = 0; i < LOCKS; i++)
        pthread_mutex_init(&cache->locks[i], NULL);
    return cache;
}

static void entry_drop(struct answer_cache *cache, struct entry **place)
{
    if (*place)
        atomic_fetch_sub(&cache->bytes, (*place)->size);
    free(*place);
    *place = NULL;
}

void answer_cache_clear(struct answer_cache *cache)
{
    for (unsigned set = 0; set < SETS; set++) {
        pthread_mutex_lock(&cache->locks[set % LOCKS]);
        for (unsigned way = 0; way < WAYS; way++)
            entry_drop(cache, &cache->sets[set][way]);
        pthread_mutex_unlock(&cache->locks[set % LOCKS]);
    }
}

void answer_cache_free(struct answer_cache *cache)
{
    answer_cache_clear(cache);
    for (unsigned i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&cache->locks[i]);
    free(cache);
}

static unsigned set_of(const char *name, enum dns_type type)
{
    return (unsigned)((slice_hash(slice_from_cstr(name)) + type) % SETS);
}

bool answer_cache_find(struct answer_cache *cache, const char *name, enum dns_type type,
                       uint64_t now_ms, struct arena *arena, struct dns_answer *ret_answer)
{
    unsigned set = set_of(name, type);
    bool found = false;

    pthread_mutex_lock(&cache->locks[set % LOCKS]);
    for (unsigned way = 0; way < WAYS && !found; way++) {
        const struct entry *entry = cache->sets[set][way];
        found = entry && entry->type == type && now_ms < entry->expires_ms &&
                strcmp(entry->name, name) == 0;
        if (!found)
            continue;
        dns_answer_copy(arena, &entry->answer, ret_answer);
        ret_answer->ttl_s = (uint32_t)((entry->expires_ms - now_ms + 999) / 1000);
    }
    pthread_mutex_unlock(&cache->locks[set % LOCKS]);
    return found;
}

static size_t entry_size(const char *name, const struct dns_answer *answer)
{
    size_t size = sizeof(struct entry) + strlen(name) + 1 + answer->canonical.len + answer->why.len;

    for (unsigned i = 0; i < answer->n_records; i++)
        size += sizeof(struct slice) + answer->records[i].len;
    return size;
}

static struct slice put_bytes(char **room, struct slice from)
{
    struct slice to = slice_from(*room, from.len);

    if (from.len)
        memcpy(*room, from.ptr, from.len);
    *room += from.len;
    return to;
}

/* First what must be aligned, then bytes. */
static struct entry *entry_new(const char *name, enum dns_type type, size_t size,
                               const struct dns_answer *answer)
{
    struct entry *entry = xmalloc(size);
    struct slice *records = (struct slice *)(void *)(entry + 1);
    char *room = (char *)(records + answer->n_records);

    *entry = (struct entry){.size = size, .type = type, .name = room, .answer = *answer};
    put_bytes(&room, slice_from(name, strlen(name) + 1));
    entry->answer.records = records;
    for (unsigned i = 0; i < answer->n_records; i++)
        records[i] = put_bytes(&room, answer->records[i]);
    entry->answer.canonical = put_bytes(&room, answer->canonical);
    entry->answer.why = put_bytes(&room, answer->why);
    return entry;
}

static uint64_t lifetime_ms(const struct dns_answer *answer)
{
    if (answer->result == DNS_TIMEOUT)
        return 0;
    if (answer->result == DNS_FAILED)
        return ANSWER_CACHE_FAILURE_MS;
    return (uint64_t)(answer->ttl_s < TTL_MAX_S ? answer->ttl_s : TTL_MAX_S) * 1000;
}

/* The same question's, an empty one, or the one that goes first. */
static struct entry **place_for(struct answer_cache *cache, unsigned set, const struct entry *entry)
{
    struct entry **best = &cache->sets[set][0];

    for (unsigned way = 0; way < WAYS; way++) {
        struct entry **place = &cache->sets[set][way];
        if (*place && (*place)->type == entry->type && strcmp((*place)->name, entry->name) == 0)
            return place;
        if (*best && (!*place || (*place)->expires_ms < (*best)->expires_ms))
            best = place;
    }
    return best;
}

void answer_cache_put(struct answer_cache *cache, const char *name, enum dns_type type,
                      uint64_t now_ms, const struct dns_answer *answer)
{
    uint64_t lifetime = lifetime_ms(answer);
    size_t size = entry_size(name, answer);
    unsigned set = set_of(name, type);
    struct entry *entry, **place;

    if (!lifetime || size > ENTRY_MAX)
        return;
    entry = entry_new(name, type, size, answer);
    entry->expires_ms = now_ms + lifetime;
    pthread_mutex_lock(&cache->locks[set % LOCKS]);
    place = place_for(cache, set, entry);
    entry_drop(cache, place);
    if (atomic_load(&cache->bytes) + size <= BYTES_MAX) {
        atomic_fetch_add(&cache->bytes, size);
        *place = entry;
        entry = NULL;
    }
    pthread_mutex_unlock(&cache->locks[set % LOCKS]);
    free(entry);
}
