/* What the queue role counts, for MSG_METRICS. */
#ifndef NUNCIO_QUEUE_QUEUE_METRICS_H
#define NUNCIO_QUEUE_QUEUE_METRICS_H

#include "base/exposition.h"
#include "queue/state.h"

void queue_metrics_init(struct queue_times *times);
void queue_metrics(struct queue *queue, struct exposition *exposition);

#endif
