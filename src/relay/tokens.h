/*
 * Access tokens for smarthosts, which an OAuth 2.0 server gives for a refresh token (RFC 6749
 * section 6): one request for many attempts, kept until shortly before the token ends. Thread-safe;
 * a call that needs a request waits for it, and so do all others that want the same token.
 */
#ifndef NUNCIO_RELAY_TOKENS_H
#define NUNCIO_RELAY_TOKENS_H

#include "config/config.h"
#include "relay/handed.h"
#include "relay/https.h"
#include "relay/token_answer.h"

enum { TOKENS_PATIENCE_MS = 30 * 1000 };

struct tokens;

struct tokens *tokens_new(struct https *https, struct handed *handed);
/* After https_stop(), with nobody inside any more; NULL is fine. */
void tokens_free(struct tokens *tokens);
/* The configuration has changed: access tokens are asked for anew. A refresh token that the server
 * sent stays good for the endpoint, client and file that it was sent for. */
void tokens_reset(struct tokens *tokens);

/*
 * The route's access token, appended to `out` in one piece; `refused` is one that the server did
 * not take, or empty: it is not given again. False: `why` says why there is none.
 */
bool tokens_get(struct tokens *tokens, const struct config_route *route, struct slice refused,
                struct buf *out, char why[TOKEN_WHY_MAX]);

#endif
