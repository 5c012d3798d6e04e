/*
 * Messages and outcomes as the store reports them become entries of the ledger: new ones, and at
 * start all that live, with what had become of them.
 */
#ifndef NUNCIO_QUEUE_INTAKE_H
#define NUNCIO_QUEUE_INTAKE_H

#include "queue/state.h"

/* Opens the store of the state folder: 0 or -errno, told to the log. Starts the committer's
 * thread. */
int intake_open(struct queue *queue);
void intake_close(struct queue *queue);

/* The receive role says how far its log is on disk. */
void intake_hint(struct queue *queue, struct slice payload);
/* The receive role came or went: its log is to be looked at. */
void intake_rescan(struct queue *queue);
/* Reads what has been announced, and at each `tick` does the store's own upkeep. True: there is
 * more to be read. */
bool intake_poll(struct queue *queue, bool tick);
/* Tells the receive role how far its log was read, when that has changed and was not told just now.
 * Returns the time (queue time) at which to call again, or UINT64_MAX. */
uint64_t intake_tell(struct queue *queue);

#endif
