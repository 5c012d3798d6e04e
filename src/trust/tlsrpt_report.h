/*
 * A TLS report (RFC 8460 section 4) as a struct, to and from its JSON. Pure: what we send, what we
 * keep of a day that is not over, and what others send us about our own domains have this one form.
 */
#ifndef NUNCIO_TRUST_TLSRPT_REPORT_H
#define NUNCIO_TRUST_TLSRPT_REPORT_H

#include "base/arena.h"
#include "base/buf.h"

enum tlsrpt_policy_type { TLSRPT_NO_POLICY, TLSRPT_STS, TLSRPT_TLSA };
const char *tlsrpt_policy_type_name(enum tlsrpt_policy_type type); /* "no-policy-found" */

/* Failures of one kind (section 4.4). Empty members are left out. */
struct tlsrpt_failure {
    struct slice result; /* "certificate-expired"; others' may be ones that the RFC does not know */
    struct slice sending_ip;
    struct slice mx;
    struct slice helo;
    struct slice receiving_ip;
    uint64_t count;
    struct slice information; /* URI */
    struct slice reason;
};

struct tlsrpt_policy {
    enum tlsrpt_policy_type type;
    struct slice domain;
    struct slice *strings; /* lines of the policy */
    uint32_t n_strings;
    struct slice *mx_hosts; /* patterns, of MTA-STS */
    uint32_t n_mx_hosts;
    uint64_t successful, failed; /* sessions */
    struct tlsrpt_failure *failures;
    uint32_t n_failures;
};

struct tlsrpt_report {
    struct slice organization;
    struct slice contact;
    struct slice id;
    int64_t start, end; /* seconds since 1970; the last second of the day */
    struct tlsrpt_policy *policies;
    uint32_t n_policies;
};

/* Bounds of what is read. */
enum {
    TLSRPT_TEXT_MAX = 8 << 20,
    TLSRPT_READ_POLICIES_MAX = 1000,
    TLSRPT_READ_STRINGS_MAX = 1000,  /* of a policy */
    TLSRPT_READ_FAILURES_MAX = 10000 /* of a policy, the rest is left out */
};

/* As JSON on one line. What is not UTF-8 is left out. */
void tlsrpt_report_write(struct buf *out, const struct tlsrpt_report *report);
void tlsrpt_policy_write(struct buf *out, const struct tlsrpt_policy *policy);

/*
 * The other way; strings and arrays are the arena's. NULL when it is a report, else what is wrong
 * with it, for people. Members that are missing are empty or 0, but for the organization, the
 * dates and the policies, without which it says nothing.
 */
const char *tlsrpt_report_read(struct slice text, struct arena *arena,
                               struct tlsrpt_report *ret_report);
bool tlsrpt_policy_read(struct slice text, struct arena *arena, struct tlsrpt_policy *ret_policy);

/* "2026-11-22T23:59:59Z" and back; offsets and fractions are understood (RFC 3339). */
struct tlsrpt_time {
    char text[24];
};
struct tlsrpt_time tlsrpt_time_format(int64_t seconds);
bool tlsrpt_time_parse(struct slice text, int64_t *ret_seconds);

#endif
