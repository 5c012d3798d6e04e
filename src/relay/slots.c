/* A table of the addresses to which there are connections now. See slots.h. */
#include "relay/slots.h"

#include <uthash.h>

struct slots_address {
    UT_hash_handle hh;
    struct socket_address_key key;
    unsigned open;
};

void slots_init(struct slots *slots)
{
    *slots = (struct slots){0};
    pthread_mutex_init(&slots->lock, NULL);
}

void slots_done(struct slots *slots)
{
    struct slots_address *address, *next;

    HASH_ITER(hh, slots->addresses, address, next)
    {
        HASH_DEL(slots->addresses, address);
        free(address);
    }
    pthread_mutex_destroy(&slots->lock);
}

bool slots_take(struct slots *slots, const struct socket_address *at, unsigned cap)
{
    struct socket_address_key key = socket_address_key(at);
    struct slots_address *address;
    bool taken;

    pthread_mutex_lock(&slots->lock);
    HASH_FIND(hh, slots->addresses, &key, sizeof(key), address);
    if (!address) {
        address = xcalloc(1, sizeof(*address));
        address->key = key;
        HASH_ADD(hh, slots->addresses, key, sizeof(key), address);
    }
    taken = address->open < cap || address->open == 0;
    address->open += taken;
    pthread_mutex_unlock(&slots->lock);
    return taken;
}

void slots_give(struct slots *slots, const struct socket_address *at)
{
    struct socket_address_key key = socket_address_key(at);
    struct slots_address *address;

    pthread_mutex_lock(&slots->lock);
    HASH_FIND(hh, slots->addresses, &key, sizeof(key), address);
    if (address && --address->open == 0) {
        HASH_DEL(slots->addresses, address);
        free(address);
    }
    pthread_mutex_unlock(&slots->lock);
}

unsigned slots_count(struct slots *slots)
{
    struct slots_address *address, *next;
    unsigned count = 0;

    pthread_mutex_lock(&slots->lock);
    HASH_ITER(hh, slots->addresses, address, next)
    {
        count += address->open;
    }
    pthread_mutex_unlock(&slots->lock);
    return count;
}
