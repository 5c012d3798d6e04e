/*
 * What a refusal teaches (classify.h says what it means): when its recipient is tried again, how
 * much mail its lane may send, which of our addresses is not used there for a while, and what the
 * administrator is told.
 */
#ifndef NUNCIO_QUEUE_LEARN_H
#define NUNCIO_QUEUE_LEARN_H

#include "queue/attempts.h"
#include "queue/classify.h"
#include "queue/state.h"

/* Of one recipient's answer. */
struct lesson {
    enum answer_class class;
    bool known;        /* the class says something; false: it was taken, or nobody said anything */
    bool blames;       /* our address, not the message */
    bool harmless;     /* it tells nothing about how much mail the site takes */
    bool stop;         /* for good, whatever the code */
    bool again;        /* soon, another way: an address of ours that they may like better */
    uint64_t retry_at; /* queue time at which it is tried again, 0: by the schedule */
    uint64_t not_before;
};

/* One for each of done->recipients, from the scratch arena. The lane learns what all of them tell;
 * `any_taken`: the site took some of the turn. */
struct lesson *learn_turn(struct queue *queue, const struct attempt *attempt,
                          const struct msg_done *done, bool any_taken);

/* Which addresses, of ours and of theirs, the lane is not to use now; from the scratch arena. When
 * all of ours of a kind are suspended, none of that kind is named. */
void learn_fill_unit(struct queue *queue, struct attempt *attempt, struct msg_unit *unit);

#endif
