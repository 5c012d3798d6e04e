/*
 * What a recipient's failed attempt leads to: another one later, or the end.
 *
 * These set the recipient's state in the ledger and its failure in the message's extra; writing the
 * record is the caller's, and so is notice_check() at the end of the step.
 */
#ifndef NUNCIO_QUEUE_SETTLE_H
#define NUNCIO_QUEUE_SETTLE_H

#include "mail/status.h"
#include "queue/state.h"

struct words {
    struct status status;
    struct slice reply;
    struct slice remote; /* who said it, or empty: we did */
};

/* An attempt failed for now. It is tried again by the schedule, but not before `not_before` (queue
 * time); or it has expired and fails. */
void settle_later(struct queue *queue, struct message *message, uint32_t index,
                  const struct words *words, uint64_t not_before);
/* The same, and it is tried again at that queue time whatever the schedule says. */
void settle_at(struct queue *queue, struct message *message, uint32_t index,
               const struct words *words, uint64_t at);
/* It failed for good. */
void settle_never(struct queue *queue, struct message *message, uint32_t index,
                  const struct words *words);
/* It did not come to an attempt, which is none that failed; it is routed anew at that queue time,
 * or has expired. */
void settle_not_tried(struct queue *queue, struct message *message, uint32_t index,
                      const struct words *words, uint64_t at);
/* A recipient of it has come to its end: how old it was, for the metrics. */
void settle_note_age(struct queue *queue, const struct message *message);
/* How old a message to this address may become. */
uint64_t settle_expire_after_ms(const struct queue *queue, struct slice address);
/* It waits for its lane without having been tried; its first such wait is as short as can be. */
void settle_put_off(struct queue *queue, struct message *message, uint32_t index, uint64_t until);
/* It is held back without having been tried, until it is resumed; if it is too old, it fails. */
void settle_suspended(struct queue *queue, struct message *message, uint32_t index,
                      struct slice why);
/* Nothing happened: it is to be routed again at that time (0: at once). */
void settle_again(struct queue *queue, struct message *message, uint32_t index, uint64_t at);

#endif
