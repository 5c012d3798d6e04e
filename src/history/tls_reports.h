/*
 * The TLS reports that others sent us about our domains (RFC 8460): one SQLite file,
 * state/history/tls_reports.db. Apart from the history of messages, because that one can be rebuilt
 * from the log, and these cannot; so they are kept longer, too. The role writes; `nuncio report
 * tls` reads beside it.
 */
#ifndef NUNCIO_HISTORY_TLS_REPORTS_H
#define NUNCIO_HISTORY_TLS_REPORTS_H

#include "trust/tlsrpt_report.h"

#define TLS_REPORTS_FILE "history/tls_reports.db"

enum {
    TLS_REPORTS_KEEP_DAYS = 400,
    TLS_REPORTS_MAX = 100000,    /* the oldest go */
    TLS_REPORTS_SIZE_MIB = 1024, /* of the file; likewise */
};

struct tls_reports;

/* To write, made where it is missing; a damaged one is set aside ("....damaged") and begun anew.
 * -errno. */
int tls_reports_open(const char *path, struct tls_reports **ret_reports);
/* To read. -ENOENT: there is none. */
int tls_reports_open_read(const char *path, struct tls_reports **ret_reports);
void tls_reports_close(struct tls_reports *reports); /* NULL is fine */

/* All or nothing, for the policies given. 0; 1: this organization's report of that id is there
 * already; -errno. */
int tls_reports_add(struct tls_reports *reports, const struct tlsrpt_report *report,
                    int64_t received_s);

/* Sums over the reports whose day ended after `since_s`; of one domain or of all (empty). Slices
 * are good during the call. -errno. */
struct tls_reports_total {
    struct slice domain, organization;
    enum tlsrpt_policy_type type;
    uint64_t reports, successful, failed;
    int64_t start_s, end_s; /* of the oldest and of the newest */
};
typedef void tls_reports_on_total(void *arg, const struct tls_reports_total *total);
int tls_reports_each_total(struct tls_reports *reports, struct slice domain, int64_t since_s,
                           tls_reports_on_total *on_total, void *arg);

/* Failures of a domain by kind, the most frequent first. */
struct tls_reports_failure {
    struct slice result, mx, sending_ip, organization, reason;
    uint64_t count;
    int64_t end_s; /* of the newest report with it */
};
typedef void tls_reports_on_failure(void *arg, const struct tls_reports_failure *failure);
int tls_reports_each_failure(struct tls_reports *reports, struct slice domain, int64_t since_s,
                             tls_reports_on_failure *on_failure, void *arg);

#endif
