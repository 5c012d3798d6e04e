/*
 * DMARC (RFC 9989): is the author's domain backed by SPF or DKIM, and what does its owner ask for
 * if not? The policy is found by a walk up the tree; no list of public suffixes. Pure, see names.h.
 */
#ifndef NUNCIO_TRUST_DMARC_H
#define NUNCIO_TRUST_DMARC_H

#include "trust/dkim.h"
#include "trust/spf.h"

enum dmarc_result { DMARC_NONE, DMARC_PASS, DMARC_FAIL, DMARC_TEMPERROR, DMARC_PERMERROR };
const char *dmarc_result_name(enum dmarc_result result);

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };
const char *dmarc_policy_name(enum dmarc_policy policy);

/* A policy record (section 4.7). */
struct dmarc_record {
    enum dmarc_policy policy, subdomain_policy, np_policy; /* p, sp, np, each with its default */
    bool has_policy, has_sp, has_np;
    /* p is missing, or one of the three is not valid: then p is "none", and without rua there is no
     * DMARC (section 4.10.1); for people, or empty. */
    struct slice problem;
    bool testing;                 /* t=y */
    char psd;                     /* 'y', 'n' or 'u' */
    bool dkim_strict, spf_strict; /* adkim, aspf */
    struct slice *rua;            /* valid URIs as they stand, with "!10m" and all */
    unsigned n_rua;
    struct slice fo; /* "0" without ruf */
};
enum { DMARC_RUA_MAX = 10 };
/* False when it is no DMARC record at all (then it is as if it were not there). Strings are from
 * the arena. */
bool dmarc_record_read(struct slice text, struct arena *arena, struct dmarc_record *ret_record);

enum { DMARC_AUTHORS_MAX = 20 };
struct dmarc_question {
    const struct slice *authors;   /* domains of all mailboxes in From, any case, U- or A-labels */
    unsigned n_authors;            /* none, or above DMARC_AUTHORS_MAX: DMARC_PERMERROR */
    const struct spf_verdict *spf; /* of MAIL FROM (of HELO for <>), or NULL */
    const struct dkim_verdict *dkim;
};

struct dmarc_verdict {
    enum dmarc_result result;
    struct slice author;        /* the domain that was judged; with several in From the strictest */
    struct slice organisation;  /* its organizational domain, or empty (a name was not to be had) */
    struct slice policy_domain; /* where the record is, or empty */
    struct slice record;        /* its text, or empty */
    struct dmarc_record parsed; /* of it */
    enum dmarc_policy asked;    /* p, sp or np as it applies, one step milder with t=y */
    const char *asked_by;       /* "p", "sp" or "np" */
    bool author_unclear;        /* PERMERROR: too many authors, or one whose domain is none, so that
                                   anybody        may be meant */
    bool spf_aligned, dkim_aligned;    /* and passed */
    struct slice spf_domain;           /* that was compared, or empty */
    const struct dkim_signature *dkim; /* that aligned and passed, or NULL */
    struct slice problem; /* of a failure: which identifiers were tried and how they failed; of an
                             error: what is wrong; for people */
};

int dmarc_check(const struct dmarc_question *question, const struct trust_names *names,
                struct arena *arena, struct dmarc_verdict *ret_verdict);

/* Where reports may go (section 4 of RFC 9990). */
struct dmarc_destination {
    bool may;          /* both have the same organizational domain, or a record at
                          DOMAIN._report._dmarc.HOST allows it */
    bool later;        /* not now: the DNS fails */
    struct slice *rua; /* that record's own URIs, all at HOST: in place of the one in question */
    unsigned n_rua;
    struct slice problem; /* why not, for people */
};
/* Reports about `domain`, where the policy record is, to a URI at this host. 0, or -EAGAIN. */
int dmarc_destination_check(struct slice domain, struct slice host, const struct trust_names *names,
                            struct arena *arena, struct dmarc_destination *ret_destination);

#endif
