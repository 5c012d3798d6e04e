/*
 * What becomes of each recipient of a unit, gathered while the attempt goes on.
 *
 * A verdict is one judgement (of the server or of ours) that may hold for many recipients; its
 * strings are made once and shared. Every string is from the arena given. The first verdict on a
 * recipient stays, unless it was only put off (outcome_postpone).
 */
#ifndef NUNCIO_RELAY_OUTCOME_H
#define NUNCIO_RELAY_OUTCOME_H

#include "io/message.h"
#include "mail/status.h"
#include "smtp/reply_parse.h"

struct verdict {
    enum done_kind kind;
    struct slice status; /* "5.1.1" */
    struct slice words;  /* "550 5.1.1 no such user", or our own */
};

enum outcome_state {
    OUTCOME_OPEN = 0,  /* not tried yet */
    OUTCOME_POSTPONED, /* the server wants it in another transaction; has a verdict if none comes */
    OUTCOME_DECIDED,
};

struct outcome {
    struct arena *arena;
    const struct msg_unit *unit;
    struct done_recipient *recipients; /* as in the unit */
    uint8_t *states;                   /* enum outcome_state */
    uint32_t n_undecided;              /* open or postponed */
    size_t words_max; /* bytes of words for each, so that the whole fits one message */
};

void outcome_init(struct outcome *outcome, struct arena *arena, const struct msg_unit *unit);

/* What the server said: 2xx DONE_OK, 5xx DONE_NEVER, all else DONE_LATER. */
struct verdict verdict_from_reply(const struct outcome *outcome, const struct reply_parse *reply);
/* The words stay, but the message is to be tried again. `status` is of class 4 and static. */
void verdict_put_off(struct verdict *verdict, struct slice status);
/* What we say; the status is "class.subject.detail". */
struct verdict verdict_from_text(const struct outcome *outcome, enum done_kind kind,
                                 struct status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void outcome_decide(struct outcome *outcome, uint32_t recipient, const struct verdict *verdict);
void outcome_decide_all(struct outcome *outcome, const struct verdict *verdict);
void outcome_postpone(struct outcome *outcome, uint32_t recipient, const struct verdict *verdict);
/* No other transaction comes: the verdicts of the postponed ones stand. */
void outcome_settle(struct outcome *outcome);

#endif
