/*
 * What TLS reporting (RFC 8460) is told of a session: for which policy, and how it came out. What
 * a policy forbids before anybody is connected to is a failed session as well.
 */
#ifndef NUNCIO_RELAY_SESSION_REPORT_H
#define NUNCIO_RELAY_SESSION_REPORT_H

#include "io/socket_address.h"
#include "relay/security.h"
#include "relay/tlsrpt.h"

struct session_report {
    struct tlsrpt *tlsrpt; /* NULL: nothing is told */
    const struct destination *destination;
    struct slice host;
};

/* Mail to servers of the configuration's own is nobody's policy, and is not told. `from` may be
 * empty. */
void session_report_tell(const struct session_report *report, const struct security *security,
                         const struct tls_verdict *tls, const struct socket_address *to,
                         const struct socket_address *from);

/* No session came about: the host's TLSA records forbid it. Without a fault nothing is told. */
void session_report_fault(const struct session_report *report, const struct security_fault *fault);

/* An enforced policy of the domain leaves the host out. `tlsrpt` may be NULL. */
void session_report_forbidden(struct tlsrpt *tlsrpt, struct slice domain,
                              const struct sts_policy *policy, struct slice host);

#endif
