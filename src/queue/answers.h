/*
 * Questions to the auth role, pipelined, and its answers, kept for a moment.
 *
 * One question is asked for all that want to know the same. An answer counts as fresh for
 * ANSWERS_FRESH_MS; who has waited for one takes it at up to ANSWERS_KEEP_MS. When auth dies or
 * does not answer in time, the answer is RESOLVE_LATER, so that everybody hears.
 */
#ifndef NUNCIO_QUEUE_ANSWERS_H
#define NUNCIO_QUEUE_ANSWERS_H

#include "io/message.h"

enum { ANSWERS_FRESH_MS = 1000, ANSWERS_KEEP_MS = 60000, ANSWERS_DEADLINE_MS = 30000 };

/* Who waits: a message by its id, or an attempt by its number. */
struct answers_waiter {
    uint64_t number;
    bool attempt;
};

struct answers_events {
    /* Sends MSG_RESOLVE: 0, or -errno when it could not go now. */
    int (*send)(void *arg, const struct msg_resolve *question);
    /* An answer is there. Called once for each answers_ask(); it may ask again. */
    void (*answered)(void *arg, struct answers_waiter waiter);
    void *arg;
};

struct answers;

struct answers *answers_new(const struct answers_events *events);
void answers_free(struct answers *answers);

/* The answer if one is known that is not older than max_age_ms; NULL otherwise. Good until the next
 * call of another function. */
const struct msg_resolved *answers_find(const struct answers *answers, struct slice address,
                                        struct slice via, uint64_t max_age_ms, uint64_t now);
void answers_ask(struct answers *answers, struct slice address, struct slice via,
                 struct answers_waiter waiter, uint64_t now);

void answers_take(struct answers *answers, const struct msg_resolved *answer, uint64_t now);
/* auth has room (again): sends what could not go. */
void answers_send_more(struct answers *answers);
/* auth is gone: nothing that was asked will be answered. */
void answers_lost(struct answers *answers, uint64_t now);
/* Once a second or so: deadlines, and answers that nobody needs any more. */
void answers_tick(struct answers *answers, uint64_t now);
/* Forgets all answers: the configuration has changed. */
void answers_forget(struct answers *answers);

/* Questions without an answer. */
unsigned answers_pending(const struct answers *answers);

#endif
