/*
 * MTA-STS policies of other domains (RFC 8461): looked up, fetched by HTTPS, kept on disk, renewed
 * ahead of time. Thread-safe. The policy's grammar is in trust/sts_policy.h.
 */
#ifndef NUNCIO_RELAY_STS_H
#define NUNCIO_RELAY_STS_H

#include "dns/dns.h"
#include "trust/sts_policy.h"

/* Immutable and counted. */
struct sts_policy;
struct sts_policy *sts_policy_ref(struct sts_policy *policy);
void sts_policy_unref(struct sts_policy *policy); /* NULL is fine */
enum sts_mode sts_policy_mode(const struct sts_policy *policy);
struct slice sts_policy_text(const struct sts_policy *policy); /* as fetched, for reports */
/* Does it allow this MX host (RFC 8461 section 4.1)? */
bool sts_policy_allows(const struct sts_policy *policy, struct slice mx);

struct sts;

/* `folder`: open directory for the cache, written by this process alone; -1: memory only. `ca`:
 * file of CAs for HTTPS, empty: the system's. No thread before the first question. */
struct sts_settings {
    int folder;
    struct slice ca;
    uint16_t https_port; /* 443; tests have another */
    int cancel_fd;
};
int sts_new(struct dns *dns, const struct sts_settings *settings, struct sts **ret_sts);
void sts_free(struct sts *sts);

/*
 * The policy in force for the domain, or NULL with `why` when there is none (a record or a file
 * that is malformed, or cannot be had, counts as none unless a cached one is still good). `found`
 * is called once, on any thread, or before the call returns. A policy that is cached is given at
 * once and renewed in the background.
 */
struct sts_answer {
    struct sts_policy *policy; /* a reference for the callee, or NULL */
    const char *failure;       /* RFC 8460 result type, "sts-webpki-invalid"; or NULL */
    struct slice why;          /* for people, or empty */
};
typedef void sts_found(void *arg, const struct sts_answer *answer);
void sts_ask(struct sts *sts, struct slice domain, uint64_t deadline, sts_found *found, void *arg);

#endif
