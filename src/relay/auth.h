/*
 * Logging in at another server (RFC 4954): which mechanism, and the conversation of it over a
 * connection that has been greeted. Nothing of it but its shape gets into a trace, and no secret
 * into a buffer that is not wiped.
 */
#ifndef NUNCIO_RELAY_AUTH_H
#define NUNCIO_RELAY_AUTH_H

#include "relay/auth_method.h"
#include "relay/client.h"

/* What may be used where there is no TLS: the password itself is never said. */
enum {
    AUTH_WITHOUT_TLS = MECHANISM_SCRAM_SHA_256 | MECHANISM_SCRAM_SHA_1 | MECHANISM_CRAM_MD5,
};

/* The mechanisms that the server offers, of those in `wanted`. */
unsigned auth_offered(const struct ehlo_offer *offer, unsigned wanted);

enum auth_result {
    AUTH_DONE = 0,
    AUTH_REFUSED = 1, /* client->reply says why */
    AUTH_BROKEN = 2,  /* the server broke the mechanism's rules: `why`. Not to be spoken to again */
};

struct auth_failure {
    const char *why;          /* AUTH_BROKEN */
    unsigned steps;           /* challenges that were answered before */
    char said[AUTH_SAID_MAX]; /* what an OAuth server says of the token, or empty */
};

/*
 * One login by one mechanism. A negative errno when the connection failed, as the calls of
 * client.h. The failure is filled in when the result is not 0.
 */
int auth_run(struct client *client, enum mechanism mechanism, const struct auth_secrets *secrets,
             struct auth_failure *ret_failure);

#endif
