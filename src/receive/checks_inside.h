/* What the files of the checks share, see checks.h: nobody else's business. */
#ifndef NUNCIO_RECEIVE_CHECKS_INSIDE_H
#define NUNCIO_RECEIVE_CHECKS_INSIDE_H

#include "policy/authentication.h"
#include "policy/names.h"
#include "receive/checks.h"
#include "receive/forged.h"
#include "trust/authors.h"

/* An evaluation: run again from its beginning when answers have come, until it is done. */
struct check {
    struct arena arena; /* of the verdict */
    bool wanted, tried, done;
    unsigned seen; /* answers, when it was tried */
};

/* Of a client. */
struct checks {
    struct names *names;
    struct trust_ip ip;
    const struct config *config; /* that `wanted` is of; kept by the session */
    unsigned wanted;             /* bits of enum config_check_kind */
    struct check iprev_check, helo_check, spf_check;
    struct iprev_verdict iprev;
    struct helo_verdict helo;
    struct spf_verdict spf;
};

/* Of a message. */
struct checks_message {
    struct names *names;
    struct dkim_verifier *verifier; /* NULL: not wanted, or the text has not begun */
    bool prefetched, kept_patience;
    struct arena arena; /* of authors */
    struct trust_authors authors;
    struct check spf_check, dkim_check, arc_check, dmarc_check;
    struct spf_verdict spf;
    struct dkim_verdict dkim;
    struct arc_verdict arc;
    struct dmarc_verdict dmarc;
    int64_t seconds;  /* wall time of MAIL */
    unsigned removed; /* forged fields */
};

/* What is known; pointers into both. */
struct trust_verdicts checks_verdicts(const struct session *session);

/* checks_log.c: the events, with the message's id. */
void checks_log(const struct session *session, const struct trust_verdicts *verdicts,
                const struct authentication *decision);
void checks_log_forged(const struct session *session, struct slice value);

/* checks_report.c: tells history what one message counts in the domain's DMARC report. */
void checks_report(const struct session *session, const struct trust_verdicts *verdicts,
                   const struct authentication *decision);

#endif
