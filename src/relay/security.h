/*
 * How secure a connection to a host must be, and whether it is: the route's policy, DANE (RFC 7671,
 * 7672), MTA-STS (RFC 8461) and REQUIRETLS (RFC 8689) put together. DANE comes before MTA-STS. What
 * breaks the policy is put off with a reason and never sent in the clear.
 */
#ifndef NUNCIO_RELAY_SECURITY_H
#define NUNCIO_RELAY_SECURITY_H

#include "io/tls_client.h"
#include "relay/destination.h"
#include "relay/outcome.h"

enum security_rule {                         /* why: for the log, for reports and for `why` */
                     SECURITY_NONE,          /* never TLS */
                     SECURITY_OPPORTUNISTIC, /* TLS if it is offered */
                     SECURITY_ENCRYPT,       /* the route says so */
                     SECURITY_VERIFY,        /* the route says so */
                     SECURITY_DANE,
                     SECURITY_STS, /* enforced */
};
const char *security_rule_name(enum security_rule rule); /* "dane" */

struct security {
    enum security_rule rule;
    bool tls_needed;          /* no delivery without it */
    struct tls_demand demand; /* strings from the arena given */
    bool sts_testing;         /* the result is told as MTA-STS's, and nothing more */
};

enum security_outcome {
    SECURITY_GO = 0,
    SECURITY_LATER = 1, /* this host cannot be used now; *ret_verdict says why: bogus TLSA, none
                           where `dane-only` wants them */
};

/*
 * What this host must show. Asks DNS for TLSA records of `tlsa_base` (the host's canonical name
 * when its address records were secure, RFC 7672 section 2.2.2), on the caller's thread, until
 * `deadline`.
 */
struct security_question {
    struct dns *dns;
    const struct config_route *route;
    const struct destination *destination;
    const struct destination_host *host;
    bool address_secure;    /* its A and AAAA answers were */
    struct slice canonical; /* of its address answers */
    uint64_t deadline;
};
int security_decide(const struct security_question *question, const struct outcome *outcome,
                    struct security *ret_security, struct verdict *ret_verdict);

#endif
