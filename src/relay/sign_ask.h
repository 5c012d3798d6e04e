/*
 * Questions to keys (MSG_SIGN, answered by MSG_SIGNED): attempts on their threads ask and wait, the
 * loop's thread takes the answers.
 */
#ifndef NUNCIO_RELAY_SIGN_ASK_H
#define NUNCIO_RELAY_SIGN_ASK_H

#include "io/role.h"
#include "trust/dkim_sign.h"

/* Of RSA with 8192 bits. */
enum { SIGNATURE_BYTES_MAX = 1024 };

struct sign_asks;
/* `role` must outlive it. */
struct sign_asks *sign_asks_new(struct role_context *role);
/* NULL is fine. Nobody may wait any more. */
void sign_asks_free(struct sign_asks *asks);

/* On the loop's thread: an answer of keys; 0, or -EBADMSG. */
int sign_asks_take(struct sign_asks *asks, struct slice payload);
/* keys is gone: nobody answers what was asked. */
void sign_asks_lost(struct sign_asks *asks);

struct sign_ask {
    struct slice domain, selector;
    uint8_t digest[DKIM_DIGEST];
    /* The answer. */
    bool answered;
    char signature[SIGNATURE_BYTES_MAX];
    size_t length; /* 0: keys cannot make it */
    /* Inside. */
    uint64_t request;
    struct sign_waiter *waiter;
    struct sign_ask *next;
};

/* Asks all at once and waits until the deadline (monotonic). 0; -ETIMEDOUT, -ENOTCONN (keys is away
 * or went away) or another -errno: some are not answered. */
int sign_asks_wait(struct sign_asks *asks, struct sign_ask *list, unsigned n, uint64_t deadline);

#endif
