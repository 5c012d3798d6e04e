/*
 * How many connections are open to each address: a bound for them that holds over all sites and
 * domains behind it. Thread-safe.
 */
#ifndef NUNCIO_RELAY_SLOTS_H
#define NUNCIO_RELAY_SLOTS_H

#include "io/socket_address.h"

#include <pthread.h>

struct slots_address;

struct slots {
    pthread_mutex_t lock; /* guards the table */
    struct slots_address *addresses;
};

void slots_init(struct slots *slots);
void slots_done(struct slots *slots);

/* One more connection there, unless there are `cap` already. */
bool slots_take(struct slots *slots, const struct socket_address *address, unsigned cap);
void slots_give(struct slots *slots, const struct socket_address *address);
/* All that are open now. */
unsigned slots_count(struct slots *slots);

#endif
