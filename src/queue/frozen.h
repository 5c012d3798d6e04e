/*
 * Frozen accounts, as auth tells of them (MSG_FROZEN, io/login_message.h): what the queue has of
 * the account's mail is held, the postmaster gets a mail, and when all of it is on disk auth is
 * told so. What is frozen, and until when, is auth's to know; the queue only does this once for
 * each freeze.
 *
 * A freeze is known by account and time. While the process lives it is done once. After a crash in
 * the middle auth tells it again: mail that was released in between is held again, and if the first
 * mail to the postmaster has left the queue already, there is a second one. That is the worst of
 * it; nothing is forgotten.
 */
#ifndef NUNCIO_QUEUE_FROZEN_H
#define NUNCIO_QUEUE_FROZEN_H

#include "queue/state.h"

struct frozen *frozen_new(void);
void frozen_free(struct frozen *frozen);

/* The payload of a MSG_FROZEN. -EBADMSG. */
int frozen_take(struct queue *queue, struct slice payload);
/* After each round of events: goes on with it, a bounded part at a time. True: call again soon. */
bool frozen_run(struct queue *queue);
/* A message has come: it is held when it was accepted just before its account was frozen. */
void frozen_check(struct queue *queue, struct message *message, const struct envelope *envelope);

#endif
