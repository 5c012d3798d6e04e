/*
 * Addresses that did not answer lately: tried last, and by one attempt at a time, so that a host
 * that is down costs its timeout once in DEAD_REMEMBERED_MS and not a thread for every message.
 * Thread-safe.
 */
#ifndef NUNCIO_RELAY_DEAD_H
#define NUNCIO_RELAY_DEAD_H

#include "io/socket_address.h"

#include <pthread.h>

/* Beyond DEAD_MAX the oldest is forgotten. */
enum { DEAD_MAX = 4096, DEAD_REMEMBERED_MS = 60 * 1000, DEAD_WORDS_MAX = 200 };

struct dead_address;

struct dead {
    pthread_mutex_t lock;           /* guards the rest */
    struct dead_address *addresses; /* the oldest first */
};

void dead_init(struct dead *dead);
void dead_done(struct dead *dead);

/* It has failed, in these words; nobody is probing it any more. */
void dead_add(struct dead *dead, const struct socket_address *address, struct slice words);
/* It works. */
void dead_remove(struct dead *dead, const struct socket_address *address);
bool dead_has(struct dead *dead, const struct socket_address *address);

/*
 * May the caller try it? Always, while it is not dead; of the dead one caller at a time, who says
 * dead_add(), dead_remove() or dead_end_probe() afterwards. False: another one is trying it, and
 * *ret_words (DEAD_WORDS_MAX bytes) is what came of the last try.
 */
bool dead_begin_probe(struct dead *dead, const struct socket_address *address, char *ret_words);
/* It was not tried to the end. */
void dead_end_probe(struct dead *dead, const struct socket_address *address);

unsigned dead_count(struct dead *dead);

#endif
