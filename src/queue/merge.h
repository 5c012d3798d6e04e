/* One DSN for many messages of one sender: the excess above queue.bounces_per_sender in an hour. */
#ifndef NUNCIO_QUEUE_MERGE_H
#define NUNCIO_QUEUE_MERGE_H

#include "queue/state.h"

/* Once a second or so: tells the failures of senders whose hour is over. */
void merge_tick(struct queue *queue);

/* A record of this message, of that number, is on disk or could not be written. */
void merge_settled(struct queue *queue, struct message *message, uint64_t number, bool on_disk);

#endif
