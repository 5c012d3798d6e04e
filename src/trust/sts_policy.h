/*
 * MTA-STS (RFC 8461): the TXT record that announces a policy, the policy's text, and what its mx
 * patterns match. Pure; who fetches and keeps them is relay/sts.h.
 *
 * Both grammars ignore keys that they do not know (section 3.1, 3.2), so that the RFC can grow. Of
 * a key that is there twice the first counts, but for mx.
 */
#ifndef NUNCIO_TRUST_STS_POLICY_H
#define NUNCIO_TRUST_STS_POLICY_H

#include "base/arena.h"

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };
const char *sts_mode_name(enum sts_mode mode); /* "enforce" */

/* A text with more than STS_MX_MAX patterns is malformed, not cut: a cut one would forbid hosts. */
enum { STS_MX_MAX = 64, STS_TEXT_MAX = 65536, STS_ID_MAX = 32, STS_AGE_MAX_S = 31557600 };

struct sts_rules {
    enum sts_mode mode;
    uint32_t max_age_s; /* clipped to STS_AGE_MAX_S, about a year */
    struct slice *mx;   /* "mx.example.org" or "*.example.org", as given */
    unsigned n_mx;      /* at least one, unless the mode is none */
};

/*
 * The policy's text (section 3.2); lines end in CRLF or LF. Slices point into the text, the array
 * is the arena's. NULL when it is well-formed, otherwise what is wrong with it, for people.
 */
const char *sts_policy_parse(struct slice text, struct arena *arena, struct sts_rules *ret_rules);

/* Does a pattern allow the host (section 4.1)? "*" stands for exactly one label, the leftmost. */
bool sts_rules_allow(const struct sts_rules *rules, struct slice host);

/*
 * TXT records of _mta-sts.DOMAIN (section 3.1). Records that do not begin with "v=STSv1;" are not
 * meant; there must be one that is.
 */
enum sts_record_result {
    STS_RECORD_FOUND = 0,
    STS_RECORD_NONE = 1, /* no record for MTA-STS at all */
    STS_RECORD_BAD = 2,  /* more than one, or a malformed one: counts as none */
};
int sts_record_find(const struct slice *texts, unsigned n_texts, struct slice *ret_id);

#endif
