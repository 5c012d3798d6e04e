/*
 * Questions to relay: which site takes the mail of a domain over a route with `mx`? And its
 * answers, kept for as long as they are valid. Pure: queue time comes in as a parameter.
 *
 * One question is asked for all that want to know the same. It has no deadline: while relay is
 * absent or slow everybody waits, which is no failed attempt. At most SITES_MAX answers and
 * SITES_PENDING_MAX questions are kept; the answers that came longest ago go first.
 */
#ifndef NUNCIO_QUEUE_SITES_H
#define NUNCIO_QUEUE_SITES_H

#include "io/message.h"

enum { SITES_MAX = 32768, SITES_PENDING_MAX = 4096 };
/* An answer is good for this long at least, so that all who waited for it can take it. */
enum { SITES_FRESH_MS = 5000, SITES_VALID_MAX_MS = 24 * 3600 * 1000 };

struct sites_events {
    /* Sends MSG_SITE_ASK: 0, or -errno when it could not go now. */
    int (*send)(void *arg, const struct msg_site_ask *question);
    /* An answer is there. Called once for each sites_ask(); it may ask again. */
    void (*answered)(void *arg, uint64_t message_id);
    void *arg;
};

struct sites;

struct sites *sites_new(const struct sites_events *events);
void sites_free(struct sites *sites);

/* The answer if one is known; NULL otherwise. Good until the next call of another function. */
const struct msg_site *sites_find(const struct sites *sites, struct slice route,
                                  struct slice domain, uint64_t now);
/* False: too many are asked already, ask again later. Otherwise *ret_since is when the question
 * was asked. */
bool sites_ask(struct sites *sites, struct slice route, struct slice domain, uint64_t message_id,
               uint64_t now, uint64_t *ret_since);
/* The answer turned out to be wrong: it is asked for anew the next time. */
void sites_drop(struct sites *sites, struct slice route, struct slice domain);

void sites_take(struct sites *sites, const struct msg_site *answer, uint64_t now);
/* relay is there, or has room again: sends what could not go. */
void sites_send_more(struct sites *sites);
/* relay is gone: what was asked will be asked again. */
void sites_lost(struct sites *sites);
/* Once a second or so: drops answers that are not valid any more. */
void sites_tick(struct sites *sites, uint64_t now);
/* Forgets all answers: the configuration has changed. */
void sites_forget(struct sites *sites);

/* Questions without an answer, and answers. */
unsigned sites_pending(const struct sites *sites);
unsigned sites_known(const struct sites *sites);

#endif
