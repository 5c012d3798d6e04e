/*
 * Where a recipient goes: route.h with what auth and relay have said so far.
 */
#ifndef NUNCIO_QUEUE_DECIDE_H
#define NUNCIO_QUEUE_DECIDE_H

#include "queue/route.h"
#include "queue/state.h"

/* ROUTE_ASK and ROUTE_SITE when the answer is not there; auth's may be max_age_ms old. What is not
 * the configuration's in the decision lies in the scratch arena, or is good until the answers and
 * sites are touched (a lane's domain). */
void decide_recipient(struct queue *queue, const struct recipient *recipient,
                      const struct envelope *envelope, uint64_t max_age_ms,
                      struct route_decision *ret_decision);

#endif
