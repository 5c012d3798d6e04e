/* A table in the order of age. See dead.h. */
#include "relay/dead.h"

#include "base/clock.h"

#include <uthash.h>

struct dead_address {
    UT_hash_handle hh;
    struct socket_address_key key;
    uint64_t until_ms; /* clock_mono_ms() */
    bool probed;       /* somebody is trying it */
    char words[DEAD_WORDS_MAX];
};

void dead_init(struct dead *dead)
{
    *dead = (struct dead){0};
    pthread_mutex_init(&dead->lock, NULL);
}

static void forget(struct dead *dead, struct dead_address *address)
{
    HASH_DEL(dead->addresses, address);
    free(address);
}

void dead_done(struct dead *dead)
{
    while (dead->addresses)
        forget(dead, dead->addresses);
    pthread_mutex_destroy(&dead->lock);
}

/* With the lock held; NULL: it is not dead. */
static struct dead_address *find(struct dead *dead, const struct socket_address *at)
{
    struct socket_address_key key = socket_address_key(at);
    struct dead_address *address;

    HASH_FIND(hh, dead->addresses, &key, sizeof(key), address);
    if (!address || address->until_ms > clock_mono_ms() || address->probed)
        return address;
    forget(dead, address);
    return NULL;
}

void dead_add(struct dead *dead, const struct socket_address *at, struct slice words)
{
    struct dead_address *address;

    pthread_mutex_lock(&dead->lock);
    address = find(dead, at);
    if (address)
        forget(dead, address);
    else if (HASH_COUNT(dead->addresses) >= DEAD_MAX)
        forget(dead, dead->addresses);
    address = xcalloc(1, sizeof(*address));
    address->key = socket_address_key(at);
    address->until_ms = clock_mono_ms() + DEAD_REMEMBERED_MS;
    snprintf(address->words, sizeof(address->words), "%.*s", SLICE_ARG(words));
    HASH_ADD(hh, dead->addresses, key, sizeof(address->key), address);
    pthread_mutex_unlock(&dead->lock);
}

void dead_remove(struct dead *dead, const struct socket_address *at)
{
    struct dead_address *address;

    pthread_mutex_lock(&dead->lock);
    address = find(dead, at);
    if (address)
        forget(dead, address);
    pthread_mutex_unlock(&dead->lock);
}

bool dead_has(struct dead *dead, const struct socket_address *at)
{
    bool found;

    pthread_mutex_lock(&dead->lock);
    found = find(dead, at) != NULL;
    pthread_mutex_unlock(&dead->lock);
    return found;
}

bool dead_begin_probe(struct dead *dead, const struct socket_address *at, char *ret_words)
{
    struct dead_address *address;
    bool may;

    pthread_mutex_lock(&dead->lock);
    address = find(dead, at);
    may = !address || !address->probed;
    if (may && address)
        address->probed = true;
    else if (address)
        memcpy(ret_words, address->words, DEAD_WORDS_MAX);
    pthread_mutex_unlock(&dead->lock);
    return may;
}

void dead_end_probe(struct dead *dead, const struct socket_address *at)
{
    struct dead_address *address;

    pthread_mutex_lock(&dead->lock);
    address = find(dead, at);
    if (address)
        address->probed = false;
    pthread_mutex_unlock(&dead->lock);
}

unsigned dead_count(struct dead *dead)
{
    uint64_t now = clock_mono_ms();
    struct dead_address *address, *next;
    unsigned count = 0;

    pthread_mutex_lock(&dead->lock);
    HASH_ITER(hh, dead->addresses, address, next)
    {
        count += address->until_ms > now || address->probed;
    }
    pthread_mutex_unlock(&dead->lock);
    return count;
}
