/*
 * The hosts of a destination as one attempt goes through them, and their addresses.
 */
#ifndef NUNCIO_RELAY_DIAL_HOST_H
#define NUNCIO_RELAY_DIAL_HOST_H

#include "dns/dns.h"
#include "relay/client.h"
#include "relay/destination.h"
#include "relay/outcome.h"
#include "relay/security.h"

enum { DIAL_LOOKUP_MS = 20 * 1000 };

struct dial_host {
    const struct destination_host *host;
    struct socket_address addresses[DNS_ADDRESSES_MAX];
    bool dead[DNS_ADDRESSES_MAX]; /* it was when the attempt began */
    unsigned count;               /* 0: it cannot be used, `verdict` says why */
    bool secure;              /* DNSSEC vouches for the addresses, or for the text of a literal */
    struct slice canonical;   /* the name behind CNAMEs, from outcome's arena */
    struct security security; /* what it must show */
    struct verdict verdict;
};

/* Numbers of the destination's hosts in the order in which they are to be tried. */
void dial_host_order(const struct destination *destination,
                     unsigned char ret_order[static DESTINATION_HOSTS_MAX]);

/* Asks DNS where need be. With `ipv6` false IPv4 addresses alone. */
void dial_host_resolve(struct dns *dns, const struct destination_host *host, bool ipv6,
                       const struct outcome *outcome, struct dial_host *ret_host);

/* "mx.example.org[192.0.2.1]:25" or "unix:/path", from outcome's arena. */
struct slice dial_host_name(const struct destination_host *host,
                            const struct socket_address *address, const struct outcome *outcome);

/*
 * From where to connect: one of the route's source addresses of that family that is not off, any
 * of them; none (len 0) when the route has none of that family. False: all of that family are off.
 */
bool dial_host_source(const struct config_route *route, const struct msg_unit *unit,
                      const struct socket_address *to, struct socket_address *ret_source);

#endif
