/* The questions that the queue has for other roles, as messages: about addresses to auth, about
 * sites to relay. What is known and who waits is in answers.h and sites.h. */
#ifndef NUNCIO_QUEUE_ASK_H
#define NUNCIO_QUEUE_ASK_H

#include "queue/state.h"

/* Makes queue->answers and queue->sites. */
void ask_start(struct queue *queue);

/* The payloads of MSG_RESOLVED and MSG_SITE. */
void ask_take_resolved(struct queue *queue, struct slice payload);
void ask_take_site(struct queue *queue, struct slice payload);

#endif
