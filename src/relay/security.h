/*
 * How secure a connection to a host must be: the route's policy, DANE (RFC 7671, 7672), MTA-STS
 * (RFC 8461) and REQUIRETLS (RFC 8689) put together. DANE comes before MTA-STS. What breaks the
 * policy is put off with a reason and never sent in the clear.
 *
 * The decision is pure (security_choose()); asking DNS for what it needs is relay/tlsa.h's.
 */
#ifndef NUNCIO_RELAY_SECURITY_H
#define NUNCIO_RELAY_SECURITY_H

#include "io/tls_client.h"
#include "relay/destination.h"
#include "relay/outcome.h"
#include "relay/tlsa.h"

enum security_rule {                         /* why: for the log, for reports and for `why` */
                     SECURITY_NONE,          /* never TLS */
                     SECURITY_OPPORTUNISTIC, /* TLS if it is offered */
                     SECURITY_ENCRYPT, /* the route says so, or TLSA records of which none is usable
                                        */
                     SECURITY_VERIFY,  /* the route says so */
                     SECURITY_DANE,
                     SECURITY_STS,        /* enforced */
                     SECURITY_REQUIRETLS, /* the message says so */
};
const char *security_rule_name(enum security_rule rule); /* "dane" */
/* What a connection under this rule is: "dane", "sts", "verified", "encrypted". */
const char *security_grade(enum security_rule rule);

/* What is wrong with a host's TLSA records, for TLS reports (RFC 8460 section 4.3.2.1). */
struct security_fault {
    const char *result; /* "dnssec-invalid", "tlsa-invalid", "dane-required"; NULL: nothing is */
    struct slice base;  /* where the records are, or should be */
    struct slice records, why;
};

struct security {
    enum security_rule rule;
    bool tls_needed;          /* no delivery without it */
    struct tls_demand demand; /* strings from the arena given */
    bool sts_testing;         /* the result is told as MTA-STS's, and nothing more */
    bool vouched;             /* the host's name is, by DNSSEC, MTA-STS or the configuration */
    bool requiretls;          /* the server must offer REQUIRETLS */
    struct security_fault
        fault; /* may stand beside a host that can be used: not as one with DANE */
};
/* Connections whose keys are equal may be used for each other's mail. From the arena. */
struct slice security_key(const struct security *security, struct arena *arena);

/* What of a message matters here. */
struct security_wish {
    bool requiretls;   /* RFC 8689 section 4.2.1; a bounce's is not among them (section 5) */
    bool tls_optional; /* "TLS-Required: No": the recipient's policies do not count */
};

enum security_outcome {
    SECURITY_GO = 0,
    SECURITY_LATER = 1, /* this host cannot be used now; *ret_verdict says why: bogus TLSA, none
                           where `dane-only` wants them */
    SECURITY_NEVER = 2, /* nor later: REQUIRETLS cannot be kept */
};

struct security_question {
    struct dns *dns;
    const struct config_route *route;
    const struct destination *destination;
    const struct destination_host *host;
    struct security_wish wish;
    bool address_secure;    /* its A and AAAA answers were */
    struct slice canonical; /* of its address answers */
    uint64_t deadline;
};
/*
 * What this host must show; of one that cannot be used *ret_security is the fault alone. Asks DNS
 * for TLSA records where they count, on the caller's thread, until `deadline`.
 */
int security_decide(const struct security_question *question, const struct outcome *outcome,
                    struct security *ret_security, struct verdict *ret_verdict);
/* The same when TLSA records have been asked for. */
int security_choose(const struct security_question *question, const struct tlsa_answer *tlsa,
                    const struct outcome *outcome, struct security *ret_security,
                    struct verdict *ret_verdict);
/* Do they count at all (RFC 7672 section 2.2)? */
bool security_asks_tlsa(const struct security_question *question);

#endif
