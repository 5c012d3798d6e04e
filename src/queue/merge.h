/* One DSN for many messages of one sender: the excess above queue.bounces_per_sender in an hour. */
#ifndef NUNCIO_QUEUE_MERGE_H
#define NUNCIO_QUEUE_MERGE_H

#include "queue/state.h"

/* Once a second or so: tells the failures of senders whose hour is over. */
void merge_tick(struct queue *queue);

#endif
