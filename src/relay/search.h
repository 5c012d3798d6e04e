/*
 * One search for the servers of a domain: RFC 5321 section 5.1 step by step, without a thread of
 * its own. Its questions go out by search_question.h; the answers come on other threads, are posted
 * to whoever runs the search, and handed to search_take(), which asks on or ends it.
 */
#ifndef NUNCIO_RELAY_SEARCH_H
#define NUNCIO_RELAY_SEARCH_H

#include "relay/finding.h"
#include "relay/search_question.h"

struct search;

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

#endif
