/*
 * What a server answered about a policy (RFC 8461 section 3.3): the policy, or the failure as TLS
 * reports call it (RFC 8460 section 4.3.2.2).
 */
#ifndef NUNCIO_RELAY_STS_FETCH_H
#define NUNCIO_RELAY_STS_FETCH_H

#include "relay/sts.h"

struct sts_fetched {
    struct sts_policy *policy; /* one reference, or NULL */
    const char *failure;       /* then: "sts-policy-fetch-error" */
    char why[HTTPS_WHY_MAX];
};
struct sts_fetched sts_fetch_judge(const struct https_answer *answer);

/* The URL of a domain's policy, to be freed. */
char *sts_fetch_url(struct slice domain, uint16_t port);

#endif
