/*
 * One introspection request (RFC 7662 section 2.1) as a handle of curl, and the terms that it is
 * made under: a copy of struct oauth_rules with a count of references, from any thread.
 */
#ifndef NUNCIO_ACCOUNT_OAUTH_REQUEST_H
#define NUNCIO_ACCOUNT_OAUTH_REQUEST_H

#include "account/oauth.h"

struct oauth_terms;
struct oauth_terms *oauth_terms_new(const struct oauth_rules *rules);
struct oauth_terms *oauth_terms_ref(struct oauth_terms *terms); /* NULL stays NULL */
void oauth_terms_unref(struct oauth_terms *terms);              /* NULL is fine */

struct oauth_request;
/* `private` is what CURLINFO_PRIVATE gives back. The terms must outlive it. NULL: out of memory,
 * or libcurl lacks something. */
struct oauth_request *oauth_request_new(const struct oauth_terms *terms, struct slice token,
                                        uint64_t patience_ms, void *private);
void oauth_request_free(struct oauth_request *request); /* NULL is fine */
void *oauth_request_handle(struct oauth_request *request);

/* When curl is done with it: what came of it. */
void oauth_request_judge(struct oauth_request *request, int curl_code, uint64_t now_s,
                         struct arena *arena, struct oauth_answer *ret_answer);

#endif
