/*
 * Finds out for a message's waiting recipients where they go, and puts them into their lanes.
 *
 * Local addresses are asked of auth; if an answer is missing the message waits for it and nothing
 * is done yet. Aliases are replaced by what they stand for, and what they stand for is routed when
 * the record of that is on disk. The sites of foreign domains are asked of relay. Against loops: an
 * address is expanded into none of those that led to it, at most EXPAND_DEPTH_MAX levels, at most
 * EXPAND_TARGETS_MAX added recipients a message; beyond that it fails with 5.4.6. An address that
 * the message goes to already is not added again.
 */
#ifndef NUNCIO_QUEUE_EXPAND_H
#define NUNCIO_QUEUE_EXPAND_H

#include "queue/state.h"

enum { EXPAND_DEPTH_MAX = 20, EXPAND_TARGETS_MAX = 1000 };
/* Recipients that come due so much later, in parts of the first retry delay, go along. */
enum { EXPAND_SLACK_PART = 20 };

/* Routes what is due now. `envelope` is the message's if it is at hand (scratch arena not reset
 * since), else NULL. */
void expand_message(struct queue *queue, struct message *message, const struct envelope *envelope);
/* One of the answers that the message waits for is there. */
void expand_answered(struct queue *queue, uint64_t message_id);
/* The same for the sites that it asked for. */
void expand_site_answered(struct queue *queue, uint64_t message_id);

/* Puts the message into the timetable for its next waiting recipient. */
void expand_schedule(struct queue *queue, struct message *message);

/* The configuration has changed: what is parked or waits in a lane is routed anew. */
void expand_anew(struct queue *queue);

#endif
