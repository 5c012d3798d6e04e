/*
 * The DMARC reports that others sent us about our domains (RFC 9990): one SQLite file,
 * state/history/dmarc_reports.db. The role writes; `nuncio report dmarc` reads beside it.
 */
#ifndef NUNCIO_HISTORY_DMARC_REPORTS_H
#define NUNCIO_HISTORY_DMARC_REPORTS_H

#include "trust/dmarc_report.h"

#define DMARC_REPORTS_FILE "history/dmarc_reports.db"

enum {
    DMARC_REPORTS_KEEP_DAYS = 400,
    DMARC_REPORTS_MAX = 100000,    /* the oldest go */
    DMARC_REPORTS_SIZE_MIB = 2048, /* of the file; likewise */
};

struct dmarc_reports;

/* To write, made where it is missing; a damaged one is set aside. -errno. */
int dmarc_reports_open(const char *path, struct dmarc_reports **ret_reports);
/* To read. -ENOENT: there is none. */
int dmarc_reports_open_read(const char *path, struct dmarc_reports **ret_reports);
void dmarc_reports_close(struct dmarc_reports *reports); /* NULL is fine */

/* All or nothing. 0; 1: this organization's report of that id and domain is there already; -errno.
 */
int dmarc_reports_add(struct dmarc_reports *reports, const struct dmarc_report *report,
                      int64_t received_s);

/* What is asked for: rows of reports whose period ended after `since_s`, of one author domain, or
 * (domains alone) of all: empty. Slices are good during the calls. -errno. */
struct dmarc_reports_question {
    struct slice domain;
    int64_t since_s;
};

/* By author domain. */
struct dmarc_reports_domain {
    struct slice domain;
    struct slice policy; /* p of the newest report */
    uint64_t reports, messages, failed;
    int64_t begin_s, end_s;
};
typedef void dmarc_reports_on_domain(void *arg, const struct dmarc_reports_domain *domain);
int dmarc_reports_each_domain(struct dmarc_reports *reports,
                              const struct dmarc_reports_question *question,
                              dmarc_reports_on_domain *on_domain, void *arg);

/* By address that sent in that author domain's name: most failures first. */
struct dmarc_reports_source {
    struct slice ip;
    struct slice reporters;             /* names, with commas */
    uint64_t messages, failed;          /* failed: neither aligned */
    uint64_t dkim_aligned, spf_aligned; /* messages */
    uint64_t quarantined, rejected;
    uint64_t unsigned_messages; /* nobody saw a signature */
    int64_t end_s;              /* of the newest report */
};
typedef void dmarc_reports_on_source(void *arg, const struct dmarc_reports_source *source);
int dmarc_reports_each_source(struct dmarc_reports *reports,
                              const struct dmarc_reports_question *question,
                              dmarc_reports_on_source *on_source, void *arg);

/* Of one author domain and address: what was judged, the most frequent first. */
enum dmarc_reports_kind { DMARC_REPORTS_DKIM, DMARC_REPORTS_SPF, DMARC_REPORTS_REASON };
struct dmarc_reports_fact {
    enum dmarc_reports_kind kind;
    struct slice domain;   /* of signature, of SPF; of a reason its type */
    struct slice selector; /* of a signature; of a reason its comment */
    struct slice result;
    uint64_t messages, aligned; /* of these, in messages where that method was aligned */
};
typedef void dmarc_reports_on_fact(void *arg, const struct dmarc_reports_fact *fact);
int dmarc_reports_each_fact(struct dmarc_reports *reports,
                            const struct dmarc_reports_question *question, struct slice ip,
                            dmarc_reports_on_fact *on_fact, void *arg);

#endif
