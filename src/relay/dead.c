/* A small table, searched from end to end: it is asked once a connection, not once a message. */
#include "relay/dead.h"

#include "base/clock.h"

void dead_init(struct dead *dead)
{
    *dead = (struct dead){0};
    pthread_mutex_init(&dead->lock, NULL);
}

void dead_done(struct dead *dead)
{
    pthread_mutex_destroy(&dead->lock);
}

/* The slot of this address, or the one that would be forgotten for it. With the lock held. */
static unsigned find(const struct dead *dead, const struct socket_address *address, bool *ret_found)
{
    unsigned oldest = 0;

    *ret_found = true;
    for (unsigned i = 0; i < DEAD_MAX; i++) {
        if (socket_address_eq(&dead->list[i].address, address))
            return i;
        if (dead->list[i].until_ms < dead->list[oldest].until_ms)
            oldest = i;
    }
    *ret_found = false;
    return oldest;
}

void dead_add(struct dead *dead, const struct socket_address *address)
{
    bool found;
    unsigned slot;

    pthread_mutex_lock(&dead->lock);
    slot = find(dead, address, &found);
    dead->list[slot].address = *address;
    dead->list[slot].until_ms = clock_mono_ms() + DEAD_REMEMBERED_MS;
    pthread_mutex_unlock(&dead->lock);
}

void dead_remove(struct dead *dead, const struct socket_address *address)
{
    bool found;
    unsigned slot;

    pthread_mutex_lock(&dead->lock);
    slot = find(dead, address, &found);
    if (found)
        dead->list[slot].until_ms = 0;
    pthread_mutex_unlock(&dead->lock);
}

bool dead_has(struct dead *dead, const struct socket_address *address)
{
    bool found;
    unsigned slot;

    pthread_mutex_lock(&dead->lock);
    slot = find(dead, address, &found);
    found = found && dead->list[slot].until_ms > clock_mono_ms();
    pthread_mutex_unlock(&dead->lock);
    return found;
}
