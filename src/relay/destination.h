/*
 * Where mail for a domain goes and what its security must be: the answer to "which servers?" (RFC
 * 5321 section 5.1), before anybody is connected to. Made by the finder from MX records, the
 * configuration and MTA-STS; immutable and counted, so that attempts keep what they began with.
 */
#ifndef NUNCIO_RELAY_DESTINATION_H
#define NUNCIO_RELAY_DESTINATION_H

#include "config/config.h"
#include "relay/sts.h"

#include <stdatomic.h>

/* Beyond these the worst preferences are dropped. */
enum { DESTINATION_HOSTS_MAX = 32 };

struct destination_host {
    struct slice name; /* A-labels in lower case, an address literal without brackets, or a path */
    enum config_endpoint_kind kind;
    uint16_t port;
    uint16_t preference; /* equal ones are shuffled at each attempt; of fixed hosts: their order */
    bool sts_forbidden;  /* the enforced policy does not name it: only DANE can make it good */
};

struct destination {
    atomic_uint references;
    struct arena arena;
    struct slice site; /* as MSG_SITE tells it; of a route with fixed hosts its name */
    struct slice
        domain; /* the policy domain for reports: of the recipients; of fixed hosts empty */
    struct destination_host *hosts; /* by preference */
    unsigned n_hosts;
    bool mx;           /* found by DNS */
    bool secure;       /* the MX answer, or its absence, was validated (RFC 7672 section 2.2.1) */
    enum sts_mode sts; /* in force for the domain; hosts that its policy forbids are left out under
                          STS_ENFORCE, or marked where DANE may hold */
    struct sts_policy *sts_policy; /* or NULL */
};

/* Empty, with one reference; to be filled in by whoever made it before anybody else sees it. */
struct destination *destination_new(void);
/* The hosts of a route that has some. */
struct destination *destination_of_route(const struct config_route *route);
/* Sets `site` of a destination that DNS has found, when all the rest is set: the first host's name,
 * with "+" and a mark when that alone does not say it all. */
void destination_name_site(struct destination *destination);

struct destination *destination_ref(struct destination *destination);
void destination_unref(struct destination *destination); /* NULL is fine */

#endif
