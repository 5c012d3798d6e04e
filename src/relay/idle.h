/*
 * Open connections that no attempt is using now, by route. Thread-safe.
 *
 * Idle connections are looked at when one is taken and by idle_sweep(), which the role calls about
 * once a second while there are any: one whose time is up, or whose server has said something or
 * has closed, is closed. So a 421 costs nobody a message.
 */
#ifndef NUNCIO_RELAY_IDLE_H
#define NUNCIO_RELAY_IDLE_H

#include "relay/client.h"

#include <pthread.h>

struct idle_connection;

struct idle {
    pthread_mutex_t lock;          /* guards the rest */
    struct idle_connection *first; /* the one used last comes first */
    unsigned count;
};

void idle_init(struct idle *idle);
/* Closes all. */
void idle_done(struct idle *idle);

/* The connection of this route that was used last and is still good; false: none. */
bool idle_take(struct idle *idle, struct slice route, struct client *ret_client);
/* Keeps it for up to idle_ms; the client is moved. */
void idle_give(struct idle *idle, struct slice route, struct client *client, uint64_t idle_ms);
/* Closes what is not worth keeping; how many are left. */
unsigned idle_sweep(struct idle *idle);
/* Closes all: the configuration has changed. */
void idle_drop_all(struct idle *idle);
unsigned idle_count(struct idle *idle);

#endif
