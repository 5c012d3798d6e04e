/*
 * Tells the postmaster what he can do about refusals that will not go away by themselves: a record
 * to publish, a list to be taken off. One mail for each class of them and day at most, counted in
 * memory; the log has every one.
 */
#ifndef NUNCIO_QUEUE_ADVICE_H
#define NUNCIO_QUEUE_ADVICE_H

#include "queue/classify.h"
#include "queue/state.h"

enum { ADVICE_EVERY_MS = 24 * 3600 * 1000 };

struct refusal {
    enum answer_class class;
    struct slice remote; /* who */
    struct slice words;
    struct slice source; /* our address, or empty */
    struct slice sender; /* domain of the message's sender, or empty */
    bool suspended;      /* the source is not used there for a while */
};

/* Does nothing for classes that are no business of the administrator's. */
void advice_tell(struct queue *queue, const struct refusal *refusal);

struct postmaster_mail;
/* The mail's text; pure. False: there is nothing to say about that class. */
bool advice_build(struct buf *out, const struct postmaster_mail *mail,
                  const struct refusal *refusal);

#endif
