/*
 * TLS reporting on what we send (RFC 8460): sessions with other servers are counted by UTC day,
 * policy domain, MX host and result; after the day's end each domain that asks for it gets one
 * report, by mail or HTTPS. Thread-safe. The report's form is in trust/tlsrpt_report.h.
 *
 * Counting is memory work under a lock; a thread of its own writes what was counted to disk behind
 * the mail path, so that a crash loses a minute and a restart nothing. What does not fit
 * (TLSRPT_POLICIES_MAX domains a day, TLSRPT_DETAILS_MAX kinds of failure) is counted as dropped.
 */
#ifndef NUNCIO_RELAY_TLSRPT_H
#define NUNCIO_RELAY_TLSRPT_H

#include "dns/dns.h"
#include "relay/https.h"
#include "trust/tlsrpt_report.h"

enum {
    TLSRPT_POLICIES_MAX = 50000,
    TLSRPT_DETAILS_MAX = 100000,
    TLSRPT_SAVE_MS = 60 * 1000,
    TLSRPT_JITTER_S = 4 * 3600,   /* reports are spread over so long (section 4.1) */
    TLSRPT_RETRY_S = 3600,        /* when nobody took one */
    TLSRPT_GIVE_UP_S = 2 * 86400, /* after the day's end */
};

struct tlsrpt;

struct tlsrpt_settings {
    struct dns *dns;
    struct https *https;
    int folder; /* for the days, written by us alone, the caller's; -1: memory only */
    /* Hands a report to queue, and waits until it has it. Called on our thread. */
    bool (*send_mail)(void *arg, struct slice from, struct slice to, struct slice text);
    void *arg;
};
struct tlsrpt *tlsrpt_new(const struct tlsrpt_settings *settings);
/* Starts the thread, which reads what is in the folder. -errno. */
int tlsrpt_start(struct tlsrpt *tlsrpt);
/* After dns_stop() and https_stop(): what was counted is written. NULL is fine. */
void tlsrpt_free(struct tlsrpt *tlsrpt);

/* Who we are in reports; without `send` nothing is counted, and what was is forgotten. */
struct tlsrpt_identity {
    bool send;
    struct slice hostname, contact, from;
};
void tlsrpt_set_identity(struct tlsrpt *tlsrpt, const struct tlsrpt_identity *identity);

/*
 * One session with a host, when it has come to an end or could not begin: once for each connection,
 * not for each message. Told for the policy that was applied (section 4.2): under MTA-STS (testing
 * too) `policy` is sts_policy_text(); under DANE it is the TLSA records, "3 1 1 ab12...", a line
 * each; else empty. When no connection came about it is told only if that is a policy's doing.
 */
struct tlsrpt_session {
    struct slice domain; /* policy domain: that of the recipient; under DANE the TLSA base domain */
    enum tlsrpt_policy_type type;
    struct slice policy;
    struct slice mx;           /* name of the host */
    struct slice sending_ip;   /* in text, or empty */
    struct slice receiving_ip; /* likewise */
    struct slice helo;         /* what its banner calls itself, or empty */
    const char *result; /* result type of section 4.3: "starttls-not-supported"; NULL: fine */
    struct slice why;   /* for the failure-reason-code, or empty */
};
void tlsrpt_note(struct tlsrpt *tlsrpt, const struct tlsrpt_session *session);

#endif
