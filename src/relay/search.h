/*
 * One search for the servers of a domain: RFC 5321 section 5.1 step by step (and RFC 8461 section 5
 * beside it), without a thread of
 * its own. Its questions go out by dns_ask(); the answers come on other threads, are posted to
 * whoever runs the search, and handed to search_take(), which asks on or ends it.
 */
#ifndef NUNCIO_RELAY_SEARCH_H
#define NUNCIO_RELAY_SEARCH_H

#include "relay/finding.h"
#include "relay/own_hosts.h"

enum { SEARCH_MX_MS = 20 * 1000, SEARCH_ADDRESSES_MS = 10 * 1000 };
enum { SEARCH_NO_HOST = DNS_RECORDS_MAX, SEARCH_STS };

struct search;

/* An answer on its way. `search` says to whom; the rest is the search's. */
struct search_answer {
    struct search_answer *next; /* for the poster's list */
    struct search *search;
    unsigned host; /* number in the list; SEARCH_NO_HOST: the MX records; SEARCH_STS: the policy */
    struct arena arena;
    struct dns_answer dns;
    struct sts_policy *policy; /* SEARCH_STS: a reference, or NULL */
};

struct search_tools {
    struct dns *dns;
    struct sts *sts; /* NULL: no MTA-STS */
    struct own_hosts own;
    /* Takes the answer over; called on any thread, also while search_start() or search_take() is
     * running. */
    void (*post)(void *arg, struct search_answer *answer);
    void *arg;
};

/* `domain` as in an address; `route` is the configuration's. Nothing is asked yet. `owner` is for
 * the caller. */
struct search *search_new(struct search_tools *tools, struct config *config,
                          const struct config_route *route, struct slice domain, void *owner);
void *search_owner(const struct search *search);
/* Nobody wants to know any more: it is over, without a finding, and has no owner. */
void search_abandon(struct search *search);
/* Only when it is quiet. */
void search_free(struct search *search);

/* These ask questions. Whoever calls them looks at the next two then. */
void search_start(struct search *search);
void search_take(struct search *search, struct search_answer *answer); /* frees it */

/* What came of it, or NULL: not over yet. The search's. */
const struct finding *search_finding(const struct search *search);
/* No answer is on its way any more. */
bool search_is_quiet(const struct search *search);

/* Of an answer that nobody takes any more. */
void search_answer_free(struct search_answer *answer);

#endif
