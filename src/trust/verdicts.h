/*
 * All that was found out about a message and its sender, as policy, headers, history and reports
 * take it. What was not checked is NULL.
 */
#ifndef NUNCIO_TRUST_VERDICTS_H
#define NUNCIO_TRUST_VERDICTS_H

#include "trust/client_name.h"
#include "trust/dmarc.h"

struct trust_verdicts {
    struct slice client; /* address in text */
    struct slice helo, reverse_path;
    const struct iprev_verdict *iprev;
    const struct helo_verdict *helo_check;
    const struct spf_verdict *spf_helo, *spf_mailfrom;
    const struct dkim_verdict *dkim;
    const struct arc_verdict *arc;
    const struct dmarc_verdict *dmarc;
    const struct arc_set *saved_by; /* the trusted sealer's set that vouches for it, or NULL */
};

#endif
