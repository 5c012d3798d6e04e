/*
 * Outcomes on their way to queue: put in by any thread, sent in batches by the loop's thread.
 */
#ifndef NUNCIO_RELAY_OUTBOX_H
#define NUNCIO_RELAY_OUTBOX_H

#include "io/role.h"

struct outbox;

/* `wake` is called by the adding thread when the outbox was empty. */
struct outbox *outbox_new(void (*wake)(void *arg), void *arg);
void outbox_free(struct outbox *outbox);

/* Nothing happens when the epoch is not the outbox's: the outcome is for a queue that is gone. */
void outbox_add(struct outbox *outbox, const struct msg_done *done, unsigned epoch);
/* Sends all. 0; -EAGAIN: queue is behind, the rest is kept; or another failure of role_send(). */
int outbox_flush(struct outbox *outbox, struct role_context *role);
/* Forgets everything; from now on it is for this epoch. */
void outbox_reset(struct outbox *outbox, unsigned epoch);

#endif
