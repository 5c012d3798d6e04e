/*
 * What is an access token good for? Asked of the server that issued it (token introspection, RFC
 * 7662), by HTTP on a thread of its own. Verdicts are kept for a minute at most, by the hash of the
 * token.
 *
 * Calls are the loop's; answers are handed out by oauth_collect() on its thread. A server that is
 * down, slow (OAUTH_PATIENCE_MS) or answers nonsense gives OAUTH_LATER, never OAUTH_REFUSED.
 */
#ifndef NUNCIO_ACCOUNT_OAUTH_H
#define NUNCIO_ACCOUNT_OAUTH_H

#include "account/oauth_answer.h"

enum { OAUTH_PATIENCE_MS = 5000, OAUTH_JOBS_MAX = 128, OAUTH_BODY_MAX = 64 * 1024 };
enum { OAUTH_KEEP_MS = 60 * 1000, OAUTH_KEPT_MAX = 1024 };

struct oauth_rules {
    struct slice url;
    struct slice client_id, client_secret;
    struct slice field; /* of the answer, with the account */
    struct slice scope;
    struct slice ca; /* PEM; empty: the system's */
};

struct oauth;

/* Initialises libcurl, so before lock_in. `wake` is called from the thread when there are answers.
 * NULL when libcurl cannot be initialised. */
struct oauth *oauth_new(void (*wake)(void *arg), void *arg);
/* After lock_in. 0 or -errno. */
int oauth_start(struct oauth *oauth);
void oauth_free(struct oauth *oauth); /* NULL is fine */
/* Copied; what was kept of other rules is forgotten. */
void oauth_set_rules(struct oauth *oauth, const struct oauth_rules *rules);

/* 0, or -EAGAIN: too many wait already. */
int oauth_ask(struct oauth *oauth, uint64_t job, struct slice token);
/* Strings are valid during the call. */
typedef void oauth_on_answer(void *arg, uint64_t job, const struct oauth_answer *answer);
void oauth_collect(struct oauth *oauth, oauth_on_answer *on_answer, void *arg);

#endif
