/*
 * Turns become attempts: MSG_UNIT to relay or local, MSG_DONE back, and what that means for the
 * recipients, the lane and the record.
 *
 * A recipient is in one attempt at most. Attempts that a role had when it died are over at once and
 * their recipients go into another.
 */
#ifndef NUNCIO_QUEUE_DISPATCH_H
#define NUNCIO_QUEUE_DISPATCH_H

#include "queue/state.h"

struct dispatch *dispatch_new(void);
void dispatch_free(struct dispatch *dispatch);

/* Starts what may be started now. */
void dispatch_run(struct queue *queue);
/* An answer of auth that an attempt waits for is there. */
void dispatch_answered(struct queue *queue, uint64_t attempt);
/* The payload of a MSG_DONE. -EBADMSG. */
int dispatch_take_done(struct queue *queue, struct slice payload);

/* relay or local is there, has room again, or is gone. */
void dispatch_peer_ready(struct queue *queue, enum role peer);
void dispatch_peer_lost(struct queue *queue, enum role peer);

#endif
