/*
 * Where a recipient is, or would go now: for people and for filters, without asking anybody.
 */
#ifndef NUNCIO_QUEUE_WHITHER_H
#define NUNCIO_QUEUE_WHITHER_H

#include "queue/state.h"

/*
 * Its lane: the one that it waits in or is under way over; otherwise what the configuration and the
 * answers at hand say (a route alone where its site is not known). False: it has none now, or
 * nobody knows without asking. Strings are good until the scheduler, the sites or the scratch arena
 * are touched.
 */
bool whither(struct queue *queue, struct message *message, const struct envelope *envelope,
             uint32_t index, struct lane_key *ret_lane);

#endif
