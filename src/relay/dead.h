/*
 * Addresses that did not answer lately: tried last, so that a host that is down costs its timeout
 * once in DEAD_REMEMBERED_MS and not for every message. Thread-safe.
 */
#ifndef NUNCIO_RELAY_DEAD_H
#define NUNCIO_RELAY_DEAD_H

#include "io/socket_address.h"

#include <pthread.h>

/* Beyond DEAD_MAX the oldest is forgotten. */
enum { DEAD_MAX = 64, DEAD_REMEMBERED_MS = 60 * 1000 };

struct dead {
    pthread_mutex_t lock; /* guards the rest */
    struct {
        struct socket_address address;
        uint64_t until_ms; /* clock_mono_ms() */
    } list[DEAD_MAX];
};

void dead_init(struct dead *dead);
void dead_done(struct dead *dead);
void dead_add(struct dead *dead, const struct socket_address *address);
void dead_remove(struct dead *dead, const struct socket_address *address);
bool dead_has(struct dead *dead, const struct socket_address *address);

#endif
