/* What the configuration says to the queue's parts. */
#ifndef NUNCIO_QUEUE_RULES_H
#define NUNCIO_QUEUE_RULES_H

#include "queue/state.h"

/* From now on the queue goes by this configuration; it takes a reference. */
void rules_use(struct queue *queue, struct config *config);
struct scheduler_rules rules_of_scheduler(const struct config *config);

#endif
