/*
 * A greeted connection to one of a destination's servers: hosts by preference, equal ones in
 * random order, each resolved to its addresses, until one of them says EHLO's 250.
 */
#ifndef NUNCIO_RELAY_DIAL_H
#define NUNCIO_RELAY_DIAL_H

#include "relay/dead.h"
#include "relay/dial_host.h"
#include "relay/idle.h"
#include "relay/login.h"
#include "relay/opening.h"
#include "relay/slots.h"

/* Not more addresses than these are tried, and no new one after DIAL_TOTAL_MS. */
enum { DIAL_TRIES_MAX = 16, DIAL_TOTAL_MS = 5 * 60 * 1000 };

struct dial {
    const struct config_route *route;
    const struct destination *destination;
    const struct msg_unit *unit; /* its id is for the log; 0: no line for each try */
    struct slice helo;           /* what to call ourselves */
    struct dns *dns;
    struct tlsrpt *tlsrpt;       /* or NULL */
    struct relay_counts *counts; /* or NULL */
    struct tls_client *tls;
    struct logins *logins; /* or NULL: the route has no login */
    struct security_wish wish;
    struct dead *dead;
    struct slots *slots;
    struct idle *idle; /* or NULL */
    int cancel_fd;
    client_trace *trace; /* or NULL */
    void *trace_arg;
};

/*
 * True with a connection: a new one, or an idle one to an address that would be tried now. False:
 * *ret_verdict says why the last one failed (DONE_NETWORK), that all are as busy as the route
 * allows (DONE_AGAIN), or that it was cancelled (DONE_LATER), with strings for `outcome`;
 * *ret_remote (from its arena) is the server that was tried last, or empty.
 */
bool dial_destination(const struct dial *dial, const struct outcome *outcome,
                      struct client *ret_client, struct verdict *ret_verdict,
                      struct slice *ret_remote);

#endif
