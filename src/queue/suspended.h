/*
 * The suspensions in force: kept on disk in the queue's folder of the spool, and what their coming
 * and going does to the mail.
 */
#ifndef NUNCIO_QUEUE_SUSPENDED_H
#define NUNCIO_QUEUE_SUSPENDED_H

#include "queue/state.h"
#include "queue/suspend.h"

/* Reads what is on disk. What cannot be read is told to the log, and the rest is in force. */
void suspended_load(struct queue *queue);

/* Begins to hold back, on disk first: 0, -ENOSPC when there are too many, -EINVAL when a text is
 * too long, -errno of the disk (then nothing has changed). */
int suspended_begin(struct queue *queue, const struct suspension *suspension);
/* Ends it: 1, 0 when there was none, -errno of the disk (then nothing has changed). */
int suspended_end(struct queue *queue, enum suspend_kind kind, struct slice what);
/* Once a second: ends those whose time is over. */
void suspended_tick(struct queue *queue);

/* Is the recipient held back from this lane? The one by which, or NULL. */
const struct suspension *suspended_find(const struct queue *queue, const struct envelope *envelope,
                                        const struct recipient *recipient,
                                        const struct lane_key *lane);

#endif
