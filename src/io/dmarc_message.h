/*
 * The messages about DMARC aggregate reports (RFC 9990): see io/message.h for the rules of all.
 *
 * receive tells history of each message that was judged under a policy with `rua` (MSG_DMARC_ROW);
 * history hands relay the report on a day (MSG_DMARC_SEND) and hears what became of it
 * (MSG_DMARC_SENT).
 */
#ifndef NUNCIO_IO_DMARC_MESSAGE_H
#define NUNCIO_IO_DMARC_MESSAGE_H

#include "io/message.h"

/* What happened to the message (dmarc_policy_name() has the same names). */
enum dmarc_disposition {
    DMARC_DISPOSITION_NONE,
    DMARC_DISPOSITION_QUARANTINE,
    DMARC_DISPOSITION_REJECT,
};

/* Why that is not what the policy asks for (section 3.1.6 of RFC 9990). */
enum dmarc_override {
    DMARC_OVERRIDE_LOCAL_POLICY,
    DMARC_OVERRIDE_MAILING_LIST,
    DMARC_OVERRIDE_OTHER,
    DMARC_OVERRIDE_POLICY_TEST_MODE,
    DMARC_OVERRIDE_TRUSTED_FORWARDER,
};

enum {
    DMARC_ROW_REASONS_MAX = 8,
    DMARC_ROW_DKIM_MAX = 16,
    DMARC_ROW_NAME_MAX = 255,
    DMARC_ROW_TEXT_MAX = 200,    /* comment and problem: the caller cuts */
    DMARC_ROW_RECORD_MAX = 4096, /* text of a policy record: likewise */
};

struct msg_dmarc_reason {
    enum dmarc_override type;
    struct slice comment; /* for people, or empty */
};

struct msg_dmarc_dkim {
    struct slice domain, selector;
    struct slice result;  /* dkim_result_name() */
    bool aligned;         /* and passed */
    struct slice problem; /* for people, or empty */
};

/*
 * MSG_DMARC_ROW: one message. Domains in A-labels and lower case; a list that is longer than its
 * bound is cut by the sender, with what passes and aligns in front.
 */
struct msg_dmarc_row {
    uint64_t seconds;             /* wall time: it counts for the UTC day of that */
    struct slice policy_domain;   /* where the record is */
    struct slice record;          /* its text */
    struct slice author;          /* domain of From that was judged */
    struct slice organisation;    /* its organizational domain */
    struct slice client;          /* address in text */
    struct slice envelope_from;   /* domain of the reverse-path, or empty for <> */
    struct slice envelope_to;     /* domain of the (first) recipient, or empty */
    enum dmarc_disposition asked; /* p, sp or np as it applies, before t=y */
    enum dmarc_disposition disposition;
    bool dkim_pass, spf_pass; /* aligned and passed: the evaluated results */
    bool is_report;           /* it is a report itself (trust/dmarc_report_mail.h) */
    struct msg_dmarc_reason *reasons;
    uint32_t n_reasons;
    struct msg_dmarc_dkim *dkim;
    uint32_t n_dkim;
    struct slice spf_domain; /* that was judged; empty: SPF was not */
    bool spf_helo;           /* it was HELO's, for <> */
    struct slice spf_result; /* spf_result_name() */
    struct slice spf_problem;
};

/* MSG_DMARC_SEND, with a descriptor of the packed report: mail it to those of these addresses that
 * may have it. */
enum { DMARC_SEND_TO_MAX = 10 };
struct msg_dmarc_send {
    uint64_t request;
    struct slice policy_domain;
    struct slice report_id;
    uint64_t begin, end; /* seconds: the period, as in the report */
    struct slice *to;    /* mailboxes */
    uint32_t n_to;
};

/* MSG_DMARC_SENT: what became of it, for each address in its order. */
enum dmarc_sent {
    DMARC_SENT_TAKEN = 1, /* it is in our queue, on disk */
    DMARC_SENT_FORBIDDEN, /* its host does not want reports about this domain */
    DMARC_SENT_LATER,     /* the DNS or the queue is away */
};
struct msg_dmarc_sent {
    uint64_t request;
    uint8_t results[DMARC_SEND_TO_MAX]; /* enum dmarc_sent */
    uint32_t n_results;
};

MESSAGE_CODEC(msg_dmarc_row);
MESSAGE_CODEC(msg_dmarc_send);
MESSAGE_CODEC(msg_dmarc_sent);

#endif
