/*
 * Our login at a smarthost, from a connection that has been greeted to one that may send: which
 * secret, which mechanism, who may try now, and what is said when it fails. Thread-safe.
 *
 * A login that fails is trouble of the route, never of a message: mail is put off (4.7.8).
 */
#ifndef NUNCIO_RELAY_LOGIN_H
#define NUNCIO_RELAY_LOGIN_H

#include "config/config.h"
#include "relay/client.h"
#include "relay/handed.h"
#include "relay/https.h"
#include "relay/outcome.h"

struct logins;

struct logins *logins_new(struct https *https, struct handed *handed);
/* After https_stop(), with nobody inside any more; NULL is fine. */
void logins_free(struct logins *logins);
/* The configuration or a file has changed: what failed may be tried again. */
void logins_reset(struct logins *logins);

/* To whom the client is connected. */
struct login_server {
    struct slice host;
    uint16_t port;
    bool here; /* a unix socket: nobody is on the way */
};

enum login_result {
    LOGIN_DONE = 0, /* or the route has no login */
    LOGIN_NOT = 1,  /* *ret_verdict says why (DONE_NETWORK); the connection is of no use */
};
/* Or a negative errno: the connection failed. */
int login_run(struct logins *logins, const struct config_route *route,
              const struct login_server *server, struct client *client,
              const struct outcome *outcome, struct verdict *ret_verdict);

#endif
