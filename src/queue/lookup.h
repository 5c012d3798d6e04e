/*
 * Questions to the auth role, pipelined, and its answers, kept for a moment.
 *
 * One question is asked for all that want to know the same. An answer counts as fresh for
 * LOOKUP_FRESH_MS; who has waited for one takes it at up to LOOKUP_KEEP_MS. When auth dies or
 * does not answer in time, the answer is RESOLVE_LATER, so that everybody hears.
 */
#ifndef NUNCIO_QUEUE_LOOKUP_H
#define NUNCIO_QUEUE_LOOKUP_H

#include "io/message.h"

enum { LOOKUP_FRESH_MS = 1000, LOOKUP_KEEP_MS = 60000, LOOKUP_DEADLINE_MS = 30000 };

/* Who waits: a message by its id, or an attempt by its number. */
struct lookup_waiter {
    uint64_t number;
    bool attempt;
};

struct lookup_events {
    /* Sends MSG_RESOLVE: 0, or -errno when it could not go now. */
    int (*send)(void *arg, const struct msg_resolve *question);
    /* An answer is there. Called once for each lookup_ask(); it may ask again. */
    void (*answered)(void *arg, struct lookup_waiter waiter);
    void *arg;
};

struct lookup;

struct lookup *lookup_new(const struct lookup_events *events);
void lookup_free(struct lookup *lookup);

/* The answer if one is known that is not older than max_age_ms; NULL otherwise. Good until the next
 * call of another function. */
const struct msg_resolved *lookup_find(const struct lookup *lookup, struct slice address,
                                       struct slice via, uint64_t max_age_ms, uint64_t now);
void lookup_ask(struct lookup *lookup, struct slice address, struct slice via,
                struct lookup_waiter waiter, uint64_t now);

void lookup_take(struct lookup *lookup, const struct msg_resolved *answer, uint64_t now);
/* auth has room (again): sends what could not go. */
void lookup_send_more(struct lookup *lookup);
/* auth is gone: nothing that was asked will be answered. */
void lookup_lost(struct lookup *lookup, uint64_t now);
/* Once a second or so: deadlines, and answers that nobody needs any more. */
void lookup_tick(struct lookup *lookup, uint64_t now);
/* Forgets all answers: the configuration has changed. */
void lookup_forget(struct lookup *lookup);

/* Questions without an answer. */
unsigned lookup_pending(const struct lookup *lookup);

#endif
