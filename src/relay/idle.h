/*
 * Open connections that no attempt is using now, by address and by what of the route's settings
 * they were made with; so domains whose servers have different names and the same addresses share
 * them. Thread-safe.
 *
 * Idle connections are looked at when one is taken and by idle_sweep(), which the role calls about
 * once a second while there are any: one whose time is up, or whose server has said something or
 * has closed, is closed. So a 421 costs nobody a message.
 */
#ifndef NUNCIO_RELAY_IDLE_H
#define NUNCIO_RELAY_IDLE_H

#include "config/config.h"
#include "io/message.h"
#include "relay/client.h"
#include "relay/security.h"

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

/* What an attempt is looking for. */
struct idle_wanted {
    const struct config_route *route;
    const struct msg_unit *unit;          /* its sources_off */
    struct slice site;                    /* the site it was opened for; or empty: */
    const struct socket_address *address; /* the server's address, */
    const struct security *security;      /* what it must show, */
    struct slice key;                     /* and its security_key() */
};

/* The fitting one that was used last and is still good; false: none. */
bool idle_take(struct idle *idle, const struct idle_wanted *wanted, struct client *ret_client);
/* Keeps it for as long as the route says; the client is moved. */
void idle_give(struct idle *idle, const struct config_route *route, struct slice site,
               struct client *client);
/* Closes one to that address, whatever it was for, to make room for another. False: there is
 * none. */
bool idle_close_one(struct idle *idle, const struct socket_address *address);
/* Closes what is not worth keeping; how many are left. */
unsigned idle_sweep(struct idle *idle);
/* Closes all: the configuration has changed. */
void idle_drop_all(struct idle *idle);
unsigned idle_count(struct idle *idle);

#endif
