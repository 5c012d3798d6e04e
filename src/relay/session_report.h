/*
 * What TLS reporting (RFC 8460) is told of a session: for which policy, and how it came out.
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

#endif
