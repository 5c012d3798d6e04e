/*
 * Units that wait in the slots of lanes, as lists of their senders. A slot is a ring of the senders
 * that have mail waiting there, and a sender a list of units, oldest first. Of a ring its last
 * sender is kept, so that the first is one step away and turning the ring is one assignment. Pure.
 */
#ifndef NUNCIO_QUEUE_WAITING_H
#define NUNCIO_QUEUE_WAITING_H

#include "queue/slab.h"
#include "queue/table.h"

#include <stdbool.h>

struct unit {
    uint32_t handle;
    uint32_t message;
    uint32_t next; /* in its sender's list, or among those put off */
    uint32_t waiting;
    uint32_t under_way;
    uint32_t sender;
    uint32_t lane;
    uint8_t slot;
    bool queued; /* in its sender's list, or among those put off */
};
_Static_assert(sizeof(struct unit) == 32, "one of them for each message that waits for its turn");

struct sender {
    uint32_t handle;
    uint32_t next; /* in the slot's ring */
    uint32_t hash;
    uint32_t lane;
    uint32_t first, last; /* units */
    uint32_t count;
    uint8_t slot;
};

struct waiting {
    struct slab units, senders;
    struct table by_sender;
};

void waiting_init(struct waiting *waiting);
void waiting_done(struct waiting *waiting);

struct unit *waiting_unit(const struct waiting *waiting, uint32_t handle);
struct sender *waiting_sender(const struct waiting *waiting, uint32_t handle);
/* The sender of the unit's lane, slot and sender hash; NULL: he has nothing waiting. */
struct sender *waiting_find_sender(const struct waiting *waiting, const struct unit *unit);

/* Puts the unit at the end or the front of its sender's list. `ring` is that of its slot; a new
 * sender goes to its end. */
void waiting_queue(struct waiting *waiting, uint32_t *ring, struct unit *unit, bool in_front);
/* Takes the sender's first unit off his list. He keeps his place, even without any unit. */
struct unit *waiting_pop(struct waiting *waiting, struct sender *sender);
/* The same for the ring's first sender, who goes with his last unit. */
struct unit *waiting_unqueue(struct waiting *waiting, uint32_t *ring);

#endif
