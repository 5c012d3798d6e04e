/*
 * What the role counts since its start, for metrics. Any thread; `counts` may be NULL: then nothing
 * is.
 */
#ifndef NUNCIO_RELAY_COUNTS_H
#define NUNCIO_RELAY_COUNTS_H

#include "base/exposition.h"
#include "relay/security.h"

#include <stdatomic.h>

enum counted_attempt {
    COUNTED_DELIVERED,   /* one recipient at least was taken */
    COUNTED_DEFERRED,    /* put off by the server, or by us */
    COUNTED_REFUSED,     /* for good */
    COUNTED_UNREACHABLE, /* no server could be spoken to */
    COUNTED_AGAIN,       /* given back to queue: another site by now, all connections in use, or no
                            signature to be had */
    COUNTED_ATTEMPTS,
};

enum counted_tls {
    COUNTED_TLS_OK,     /* encrypted, and all that the rule demands */
    COUNTED_TLS_CLEAR,  /* went on in the clear, as the rule allows */
    COUNTED_TLS_FAILED, /* the rule was not met: no mail was sent */
    COUNTED_TLS_RESULTS,
};

struct relay_counts {
    _Atomic uint64_t attempts[COUNTED_ATTEMPTS];
    _Atomic uint64_t opened, not_opened; /* connections: up to EHLO, TLS and login */
    _Atomic uint64_t tls[SECURITY_REQUIRETLS + 1][COUNTED_TLS_RESULTS];
    _Atomic uint64_t sites[SITE_LATER + 1]; /* by enum site_status */
};

void counts_attempt(struct relay_counts *counts, const struct msg_done *done);
void counts_opening(struct relay_counts *counts, bool opened);
void counts_tls(struct relay_counts *counts, enum security_rule rule, enum counted_tls result);
void counts_site(struct relay_counts *counts, enum site_status status);

/* As metrics. */
void counts_expose(const struct relay_counts *counts, struct exposition *exposition);

#endif
