/*
 * The client's side of SASL mechanisms (RFC 4422): what is answered to a challenge. Pure: bytes in,
 * bytes out; auth.h puts them on the wire.
 *
 * What a session says holds secrets. It is wiped when the next step or auth_session_free() comes.
 */
#ifndef NUNCIO_RELAY_AUTH_METHOD_H
#define NUNCIO_RELAY_AUTH_METHOD_H

#include "base/buf.h"
#include "config/mechanism.h"

/* Who we are there. The strings outlive the session, and are the caller's to wipe. */
struct auth_secrets {
    struct slice user;
    struct slice password;
    struct slice token;   /* access token, for OAUTHBEARER and XOAUTH2 */
    struct slice binding; /* tls-exporter (RFC 9266), or empty: no -PLUS */
    struct slice host;    /* that we connected to, for OAUTHBEARER */
    uint16_t port;
};

/* As long as the longest token that servers take with its frame (smtp/sasl.h). */
enum { AUTH_BYTES_MAX = 12 * 1024, AUTH_SAID_MAX = 400 };

struct auth_session;

struct auth_method {
    bool speaks_first; /* has an initial response */
    /* Appends to session->out; false with session->why when the server has broken the rules. */
    bool (*respond)(struct auth_session *session, bool challenged, struct slice challenge);
    void (*end)(struct auth_session *session); /* or NULL */
};
extern const struct auth_method auth_plain, auth_login, auth_xoauth2, auth_oauthbearer;
extern const struct auth_method auth_scram, auth_cram;

struct auth_session {
    enum mechanism mechanism;
    const struct auth_method *method;
    const struct auth_secrets *secrets;
    unsigned step;
    bool proved;     /* what the server must show was shown; at once where there is nothing */
    const char *why; /* after a failure, for people */
    struct buf out;
    char said[AUTH_SAID_MAX]; /* what an OAuth server says of a token that it refuses */
    void *library, *state;    /* of the method */
};

/* For one of AUTH_MECHANISMS. NULL when the library cannot. */
struct auth_session *auth_session_new(enum mechanism mechanism, const struct auth_secrets *secrets);
void auth_session_free(struct auth_session *session); /* NULL is fine */

/*
 * The response to a challenge, or, with `challenged` false, the initial one (only when the method
 * speaks first, and as the first step). Good until the next step. False: session->why.
 */
bool auth_session_step(struct auth_session *session, bool challenged, struct slice challenge,
                       struct slice *ret_response);

/* Mechanisms that this side can do. */
enum { AUTH_MECHANISMS = MECHANISM_ALL & ~MECHANISM_EXTERNAL };

/* For the methods: false, with the reason. */
bool auth_session_fail(struct auth_session *session, const char *why);

#endif
