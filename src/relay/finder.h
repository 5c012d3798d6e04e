/*
 * The finder: which servers take a domain's mail? Thousands of searches at a time, each domain
 * once, kept as long as its records live.
 *
 * Searches run on the loop's thread (finder_run()) and block nobody; the loop asks for queue
 * (finder_ask()), attempts ask on threads of their own (finder_wait()), mostly for what is known
 * already. Routes with fixed hosts are answered in the same way, without a search.
 */
#ifndef NUNCIO_RELAY_FINDER_H
#define NUNCIO_RELAY_FINDER_H

#include "relay/finding.h"
#include "relay/tlsrpt.h"

/* The addresses of this machine's interfaces are read again when a search begins so long after the
 * last time. */
enum { FINDER_INTERFACES_MS = 5 * 60 * 1000 };

/* Searches at a time, domains that wait for theirs or are known. Beyond the last the oldest is
 * forgotten, or, when all are still searched for, the newest put off. */
enum { FINDER_SEARCHES_MAX = 1000, FINDER_ENTRIES_MAX = 16 * 1024 };

struct finder;

/* `sts` and `tlsrpt` may be NULL. `wake` is called on any thread when finder_run() is to be
 * called. */
struct finder *finder_new(struct dns *dns, struct sts *sts, struct tlsrpt *tlsrpt,
                          void (*wake)(void *arg), void *arg);
/* When no question of its is under way any more: after dns_stop(), dns_free() and
 * sts_free(). */
void finder_free(struct finder *finder);

/* Loop's thread. Answers that have come are taken, and searches begun. */
void finder_run(struct finder *finder);
/* Loop's thread. The configuration has changed: what is known is of no more use. The interfaces are
 * read again. */
void finder_forget(struct finder *finder);

/* Loop's thread. `found` is called once, on this thread, maybe before this returns. */
typedef void finder_found(void *arg, const struct finding *finding);
void finder_ask(struct finder *finder, struct config *config, const struct config_route *route,
                struct slice domain, finder_found *found, void *arg);

/* Any thread but the loop's; waits until `deadline`. To be ended with finding_done(). */
struct finding finder_wait(struct finder *finder, struct config *config,
                           const struct config_route *route, struct slice domain,
                           uint64_t deadline);
/* All that wait are answered "later", now and from now on: the role is stopping. */
void finder_stop(struct finder *finder);

/* For status. */
struct finder_numbers {
    unsigned known, searching, waiting;
};
struct finder_numbers finder_numbers(struct finder *finder);

#endif
