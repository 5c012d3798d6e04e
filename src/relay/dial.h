/*
 * A greeted connection to one of a route's servers: hosts in the order of the route, each resolved
 * to its addresses, each address tried until one of them says EHLO's 250.
 */
#ifndef NUNCIO_RELAY_DIAL_H
#define NUNCIO_RELAY_DIAL_H

#include "config/config.h"
#include "dns/dns.h"
#include "relay/dead.h"
#include "relay/opening.h"

/* Not more addresses than these are tried, and no new one after DIAL_TOTAL_MS. */
enum { DIAL_ADDRESSES_MAX = 16, DIAL_TOTAL_MS = 5 * 60 * 1000, DIAL_LOOKUP_MS = 20 * 1000 };

struct dial {
    const struct config_route *route;
    struct slice helo; /* what to call ourselves */
    struct dns *dns;
    struct dead *dead;
    struct tls_client *tls;
    struct security_wish wish;
    int cancel_fd;
    client_trace *trace; /* or NULL */
    void *trace_arg;
};

/*
 * True with a connection. False: *ret_verdict says why the last one failed (DONE_NETWORK, or
 * DONE_LATER when it was cancelled), with strings for `outcome`; *ret_remote (from its arena) is
 * the server that was tried last, or empty.
 */
bool dial_route(const struct dial *dial, const struct outcome *outcome, struct client *ret_client,
                struct verdict *ret_verdict, struct slice *ret_remote);

#endif
