/*
 * A DMARC aggregate report (RFC 9990) as a struct. What we send, and what others send us about our
 * own domains, have this one form. Pure.
 *
 * Results and the like are words as they stand in the XML ("pass", "quarantine", "local_policy"),
 * not enums: what others write need not be what the schema allows, and is shown as it came. Empty
 * slices are elements that are not there.
 */
#ifndef NUNCIO_TRUST_DMARC_REPORT_H
#define NUNCIO_TRUST_DMARC_REPORT_H

#include "base/slice.h"

struct dmarc_report_metadata {
    struct slice org_name;
    struct slice email;
    struct slice extra_contact_info;
    struct slice report_id;
    int64_t begin, end; /* seconds since 1970; the last second of the period */
    struct slice error; /* what was wrong with the policy record */
    struct slice generator;
};

/* Of the one policy record that the report is about. */
struct dmarc_report_policy {
    struct slice domain;
    struct slice p, sp, np;
    struct slice adkim, aspf;      /* "r", "s" */
    struct slice discovery_method; /* "treewalk", "psl" */
    struct slice fo;
    struct slice testing; /* "y", "n" */
    struct slice pct;     /* older reports (RFC 7489) have it; never written */
};

struct dmarc_report_reason {
    struct slice type; /* "local_policy", "mailing_list", "other", "policy_test_mode",
                          "trusted_forwarder" */
    struct slice comment;
};

struct dmarc_report_dkim {
    struct slice domain, selector;
    struct slice result;
    struct slice human_result;
};

/* A `record`: messages from one address with the same results and identifiers. */
struct dmarc_report_row {
    struct slice source_ip;
    uint64_t count;
    struct slice disposition; /* "none", "pass", "quarantine", "reject" */
    struct slice dkim, spf;   /* in alignment: "pass", "fail" */
    struct dmarc_report_reason *reasons;
    uint32_t n_reasons;

    struct slice header_from;
    struct slice envelope_from;
    bool null_envelope_from; /* <>: the element is there and empty */
    struct slice envelope_to;

    struct dmarc_report_dkim *signatures;
    uint32_t n_signatures;
    struct slice spf_domain, spf_scope, spf_result; /* no result: there is no such element */
    struct slice spf_human_result;
};

struct dmarc_report {
    struct slice version; /* "1.0"; as read */
    struct dmarc_report_metadata metadata;
    struct dmarc_report_policy policy;
    struct dmarc_report_row *rows;
    uint32_t n_rows;
};

#endif
