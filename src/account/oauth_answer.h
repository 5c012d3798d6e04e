/*
 * What an introspection answer (RFC 7662 section 2.2) says of a token. Pure.
 */
#ifndef NUNCIO_ACCOUNT_OAUTH_ANSWER_H
#define NUNCIO_ACCOUNT_OAUTH_ANSWER_H

#include "base/arena.h"

enum oauth_verdict {
    OAUTH_GOOD = 1, /* the token is for `account` */
    OAUTH_REFUSED,
    OAUTH_LATER, /* cannot tell now */
};

struct oauth_answer {
    enum oauth_verdict verdict;
    struct slice account; /* as the server names it; from the arena */
    uint64_t expires_s;   /* wall time; UINT64_MAX: not said */
    const char *why;
};

/* `field` names the member with the account; `scope` is one that the token must have, or empty. A
 * body that is no such answer is OAUTH_LATER: the server is at fault, not the token. */
void oauth_answer_parse(struct slice body, struct slice field, struct slice scope, uint64_t now_s,
                        struct arena *arena, struct oauth_answer *ret_answer);

#endif
