/*
 * What becomes of a message by what the checks have found out about its sender: the settings of
 * `checks` over the verdicts of src/trust, for each recipient, and one answer for all. Pure.
 *
 * A message is refused only if all its recipients' settings refuse it, because SMTP has one answer
 * for the text; otherwise those whose settings refuse get it as junk. A postmaster gets everything
 * (RFC 5321 section 4.5.1): somebody must be reachable to hear that something is wrong.
 */
#ifndef NUNCIO_POLICY_AUTHENTICATION_H
#define NUNCIO_POLICY_AUTHENTICATION_H

#include "config/config.h"
#include "mail/status.h"
#include "trust/verdicts.h"

enum authentication_action {
    AUTHENTICATION_ACCEPT,
    AUTHENTICATION_JUNK,
    AUTHENTICATION_DEFER, /* what the DNS did not say could change what is done */
    AUTHENTICATION_REFUSE,
};
const char *authentication_action_name(enum authentication_action action); /* "accept" */

/* The kind's name in the configuration: "dmarc". */
const char *authentication_check_name(enum config_check_kind check);

struct authentication_recipient {
    const struct config_domain *domain; /* NULL: not one of ours */
    bool is_postmaster;
    bool junk; /* result */
};

struct authentication_question {
    const struct config *config;
    const struct config_listener *listener;
    const struct trust_verdicts *verdicts;
    struct slice author; /* a domain in From, for its section of the configuration; or empty */
    struct authentication_recipient *recipients;
    unsigned n_recipients;
    /* How long ago it was first tried; UINT64_MAX: it may not be deferred any more. */
    uint64_t tried_ms;
};

/* One answer for all, and in each recipient whether it is junk. */
struct authentication {
    enum authentication_action action; /* JUNK: for some or all */
    enum config_check_kind check;      /* that decided; of ACCEPT: nothing did */
    struct config_source rule;         /* the line that says so; no file: none does */
    uint16_t code;                     /* of a reply: 550, 451; 0 */
    struct status status;
    struct slice text;     /* for the reply and for people: why; from the arena */
    bool saved;            /* a trusted sealer's word counted for more */
    bool gave_up_deferral; /* it would have been deferred, but was so for long enough */
};
void authentication_judge(const struct authentication_question *question, struct arena *arena,
                          struct authentication *ret_result);

/* Which checks must run at all: bits of enum config_check_kind that some recipient or author might
 * not ignore. */
unsigned authentication_wanted(const struct config *config, const struct config_listener *listener);

/* The newest set of a valid chain whose sealer is trusted, when its results vouch for the author
 * and the message still fits what the sealer signed; or NULL. */
const struct arc_set *authentication_find_trusted(const struct config *config,
                                                  const struct arc_verdict *arc,
                                                  struct slice author, struct arena *arena);

#endif
