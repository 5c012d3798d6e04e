/*
 * Questions to the auth role, pipelined, and its answers, kept for a moment.
 *
 * One question is asked for all that want to know the same. An answer counts as fresh for
 * RESOLVER_FRESH_MS; who has waited for one takes it at up to RESOLVER_KEEP_MS. When auth dies or
 * does not answer in time, the answer is RESOLVE_LATER, so that everybody hears.
 */
#ifndef NUNCIO_QUEUE_RESOLVER_H
#define NUNCIO_QUEUE_RESOLVER_H

#include "io/message.h"

enum { RESOLVER_FRESH_MS = 1000, RESOLVER_KEEP_MS = 60000, RESOLVER_DEADLINE_MS = 30000 };

/* Who waits: a message by its id, or an attempt by its number. */
struct resolver_waiter {
    uint64_t number;
    bool attempt;
};

struct resolver_events {
    /* Sends MSG_RESOLVE: 0, or -errno when it could not go now. */
    int (*send)(void *arg, const struct msg_resolve *question);
    /* An answer is there. Called once for each resolver_ask(); it may ask again. */
    void (*answered)(void *arg, struct resolver_waiter waiter);
    void *arg;
};

struct resolver;

struct resolver *resolver_new(const struct resolver_events *events);
void resolver_free(struct resolver *resolver);

/* The answer if one is known that is not older than max_age_ms; NULL otherwise. Good until the next
 * call of another function. */
const struct msg_resolved *resolver_find(const struct resolver *resolver, struct slice address,
                                         struct slice via, uint64_t max_age_ms, uint64_t now);
void resolver_ask(struct resolver *resolver, struct slice address, struct slice via,
                  struct resolver_waiter waiter, uint64_t now);

void resolver_take(struct resolver *resolver, const struct msg_resolved *answer, uint64_t now);
/* auth has room (again): sends what could not go. */
void resolver_send_more(struct resolver *resolver);
/* auth is gone: nothing that was asked will be answered. */
void resolver_lost(struct resolver *resolver, uint64_t now);
/* Once a second or so: deadlines, and answers that nobody needs any more. */
void resolver_tick(struct resolver *resolver, uint64_t now);
/* Forgets all answers: the configuration has changed. */
void resolver_forget(struct resolver *resolver);

/* Questions without an answer. */
unsigned resolver_pending(const struct resolver *resolver);

#endif
