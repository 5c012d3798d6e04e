/* What an attempt's MSG_DONE means for its recipients, its lane and the record. */
#ifndef NUNCIO_QUEUE_DONE_H
#define NUNCIO_QUEUE_DONE_H

#include "queue/attempts.h"
#include "queue/state.h"

/* The scratch arena holds `done`. The attempt is over afterwards; the caller ends it. */
void done_take(struct queue *queue, struct attempt *attempt, const struct msg_done *done);

#endif
