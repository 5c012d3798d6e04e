/*
 * MTA-STS policies of other domains (RFC 8461): looked up, fetched by HTTPS, kept in memory and on
 * disk, renewed ahead of time. Thread-safe. The grammar of policies is in trust/sts_policy.h.
 *
 * A policy that was once had is in force until its max_age is over, whatever DNS or HTTPS say
 * meanwhile; only a newer policy takes its place (mode none takes it away). A domain without one
 * costs one question to DNS.
 */
#ifndef NUNCIO_RELAY_STS_H
#define NUNCIO_RELAY_STS_H

#include "dns/dns.h"
#include "relay/https.h"
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

enum {
    STS_POLICIES_MAX = 10000,        /* the one that was unused for longest goes */
    STS_CHECK_MS = 5 * 60 * 1000,    /* DNS is asked again for a new id, when mail goes there */
    STS_RENEW_MS = 20 * 3600 * 1000, /* fetched again, or at half of max_age if that is less */
    STS_RETRY_MS = 5 * 60 * 1000,    /* after a fetch that failed (section 3.3) */
    STS_FETCH_MS = 15 * 1000,        /* at most for one: the first mail to a domain waits for it */
    STS_UNUSED_DAYS = 30,            /* no longer renewed then */
};

struct sts_settings {
    struct dns *dns;
    struct https *https;
    int folder;        /* for the cache, written by us alone, the caller's; -1: memory only */
    uint16_t port;     /* of HTTPS: 443; tests have another */
    uint32_t fetch_ms; /* 0: STS_FETCH_MS */
    /* A policy could not be had, for TLS reports: an RFC 8460 result type, and words for people.
     * May be NULL. */
    void (*failed)(void *arg, struct slice domain, const char *failure, const char *why);
    void *arg;
};
/* Reads what is in the folder; no thread and no question before the first sts_ask(). */
struct sts *sts_new(const struct sts_settings *settings);
/* After dns_stop() and https_stop(); waits for what is under way. NULL is fine. */
void sts_free(struct sts *sts);

/*
 * The policy in force for the domain (A-labels, any case), or NULL when there is none: no record, a
 * record or policy that is malformed or cannot be had while no older one is good, or mode none.
 * `found` is called once, on any thread, or before the call returns. A policy that is known is
 * given at once and renewed in the background. `deadline` (clock_mono_ms) is for DNS; a fetch may
 * take STS_FETCH_MS.
 */
struct sts_answer {
    struct sts_policy *policy; /* a reference for the callee, or NULL */
    const char *failure;       /* RFC 8460 result type, "sts-webpki-invalid"; or NULL */
    struct slice why;          /* for people, or empty */
};
typedef void sts_found(void *arg, const struct sts_answer *answer);
void sts_ask(struct sts *sts, struct slice domain, uint64_t deadline, sts_found *found, void *arg);

/* Once a minute or so: policies that will soon need it are renewed, expired ones dropped. */
void sts_tick(struct sts *sts);

struct sts_numbers {
    unsigned policies;        /* that are kept */
    uint64_t fetched, failed; /* since the start */
};
struct sts_numbers sts_numbers(struct sts *sts);

#endif
