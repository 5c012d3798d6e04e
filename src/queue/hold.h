/*
 * Taking recipients out of the work, and holding them: what the administrator's commands and frozen
 * accounts have in common.
 */
#ifndef NUNCIO_QUEUE_HOLD_H
#define NUNCIO_QUEUE_HOLD_H

#include "queue/record.h"

/* Out of its unit, if it waits in one: from then on it is WAITING. False: an attempt has it, or it
 * has failed already. The recipient is not over. */
bool hold_take_out(struct record *record, uint32_t index);
/* Not tried again until released; one that is under way, after that attempt. False: it is held
 * already, or has failed. `why` is what `queue show` tells of it; empty: what it told before. */
bool hold_recipient(struct record *record, uint32_t index, struct slice why);
/* All that are not over, with a record of its own. How many it held. */
uint32_t hold_message(struct queue *queue, struct message *message, struct slice why);
/* The same for a message that says so itself: no record is needed. */
void hold_from_start(struct queue *queue, struct message *message, struct slice why);

/* Its failure is in a DSN that is not on disk yet: nothing may be recorded of it before that. */
bool hold_is_being_told(const struct message *message, uint32_t index);

#endif
