/*
 * The answer of a server that gives access tokens (RFC 6749 sections 5.1 and 5.2). Pure.
 */
#ifndef NUNCIO_RELAY_TOKEN_ANSWER_H
#define NUNCIO_RELAY_TOKEN_ANSWER_H

#include "base/buf.h"

enum { TOKEN_MAX = 8 * 1024, TOKEN_WHY_MAX = 300 };

struct token_answer {
    struct buf access;       /* secrets; empty when it was refused */
    struct buf refresh;      /* a new refresh token, or empty: the old one stays */
    uint64_t lifetime_s;     /* of the access token; a server that does not say: 0 */
    char why[TOKEN_WHY_MAX]; /* of a refusal, for people */
};

/* `status` is HTTP's. True with an access token; in any case to be done. */
bool token_answer_parse(long status, struct slice body, struct token_answer *ret_answer);
/* Wipes. */
void token_answer_done(struct token_answer *answer);

#endif
