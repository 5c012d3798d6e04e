/*
 * TLS reporting on what we send (RFC 8460): sessions with other servers are counted by UTC day,
 * policy domain, MX host and result; after the day's end each domain that asks for it gets one
 * report, by mail or HTTPS. Thread-safe. The report's form is in trust/tlsrpt_report.h.
 *
 * Counting is memory work under a lock; a thread of its own writes what was counted to disk behind
 * the mail path, so that a crash loses a minute and a restart nothing. What does not fit
 * (TLSRPT_POLICIES_MAX domains a day, TLSRPT_DETAILS_MAX kinds of failure) is counted as dropped.
 */
#ifndef NUNCIO_RELAY_TLSRPT_H
#define NUNCIO_RELAY_TLSRPT_H

#include "base/slice.h"
#include "trust/tlsrpt_report.h"

enum { TLSRPT_POLICIES_MAX = 50000, TLSRPT_DETAILS_MAX = 100000 };

struct tlsrpt;

/*
 * One session with a host, when it has come to an end or could not begin: once for each connection,
 * not for each message. Told for the policy that was applied (section 4.2): under MTA-STS (testing
 * too) `policy` is sts_policy_text(); under DANE it is the TLSA records, "3 1 1 ab12...", a line
 * each; else empty. No session is told when no connection came about at all: that is not TLS's.
 */
struct tlsrpt_session {
    struct slice domain; /* policy domain: that of the recipient; under DANE the TLSA base domain */
    enum tlsrpt_policy_type type;
    struct slice policy;
    struct slice mx;           /* name of the host */
    struct slice sending_ip;   /* in text, or empty */
    struct slice receiving_ip; /* likewise */
    struct slice helo;         /* what its banner calls itself, or empty */
    const char *result; /* result type of section 4.3: "starttls-not-supported"; NULL: fine */
    struct slice why;   /* for the failure-reason-code, or empty */
};
void tlsrpt_note(struct tlsrpt *tlsrpt, const struct tlsrpt_session *session);

#endif
