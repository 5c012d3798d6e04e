/*
 * Three tables: reports, their policies, and their failures, which go with their report. See
 * tls_reports.h.
 *
 * Commits are synced: reports are few, and each comes once. Text of others is bound, never part of
 * a statement.
 */
#include "history/tls_reports.h"
#include "history/report_file.h"

#include "base/buf.h"

#include <errno.h>

enum { DAY_S = 86400, EXPIRE_AT_ONCE = 100 };

static const struct report_file_form form = {
    .form = 1,
    .size_mib = TLS_REPORTS_SIZE_MIB,
    .schema =
        "CREATE TABLE IF NOT EXISTS report (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " organization TEXT NOT NULL, report TEXT NOT NULL, contact TEXT NOT NULL,"
        " start INTEGER NOT NULL, end INTEGER NOT NULL, received INTEGER NOT NULL,"
        " UNIQUE (organization, report));"
        "CREATE TABLE IF NOT EXISTS policy (id INTEGER PRIMARY KEY,"
        " report INTEGER NOT NULL REFERENCES report ON DELETE CASCADE,"
        " domain TEXT NOT NULL, type INTEGER NOT NULL, successful INTEGER NOT NULL,"
        " failed INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS policy_report ON policy (report);"
        "CREATE INDEX IF NOT EXISTS policy_domain ON policy (domain);"
        "CREATE TABLE IF NOT EXISTS failure (policy INTEGER NOT NULL REFERENCES policy"
        " ON DELETE CASCADE, result TEXT NOT NULL, mx TEXT NOT NULL, sending_ip TEXT NOT NULL,"
        " receiving_ip TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS failure_policy ON failure (policy);"
        "PRAGMA user_version = 1;"};

struct tls_reports {
    sqlite3 *db;
};

/* ---- opening -------------------------------------------------------------------------------- */

static int wrap(int r, sqlite3 *db, struct tls_reports **ret_reports)
{
    if (r < 0)
        return r;
    *ret_reports = xcalloc(1, sizeof(**ret_reports));
    (*ret_reports)->db = db;
    return 0;
}

int tls_reports_open(const char *path, struct tls_reports **ret_reports)
{
    sqlite3 *db = NULL;
    int r = report_file_open(path, &form, &db);

    return wrap(r, db, ret_reports);
}

int tls_reports_open_read(const char *path, struct tls_reports **ret_reports)
{
    sqlite3 *db = NULL;
    int r = report_file_open_read(path, &form, &db);

    return wrap(r, db, ret_reports);
}

void tls_reports_close(struct tls_reports *reports)
{
    if (!reports)
        return;
    sqlite3_close(reports->db);
    free(reports);
}

/* ---- writing -------------------------------------------------------------------------------- */

static int add_report(struct tls_reports *reports, const struct tlsrpt_report *report,
                      int64_t received_s)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(reports->db,
                                "INSERT INTO report (organization, report, contact, start, end,"
                                " received) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                                " ON CONFLICT DO NOTHING",
                                &statement);

    if (r < 0)
        return r;
    report_file_bind(statement, 1, report->organization);
    report_file_bind(statement, 2, report->id);
    report_file_bind(statement, 3, report->contact);
    sqlite3_bind_int64(statement, 4, report->start);
    sqlite3_bind_int64(statement, 5, report->end);
    sqlite3_bind_int64(statement, 6, received_s);
    r = report_file_finish(statement);
    return r < 0 ? r : sqlite3_changes(reports->db) == 0;
}

static int add_failure(struct tls_reports *reports, int64_t policy,
                       const struct tlsrpt_failure *kind)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(reports->db,
                                "INSERT INTO failure (policy, result, mx, sending_ip,"
                                " receiving_ip, reason, count)"
                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, policy);
    report_file_bind(statement, 2, kind->result);
    report_file_bind(statement, 3, kind->mx);
    report_file_bind(statement, 4, kind->sending_ip);
    report_file_bind(statement, 5, kind->receiving_ip);
    report_file_bind(statement, 6, kind->reason);
    sqlite3_bind_int64(statement, 7, (int64_t)kind->count);
    return report_file_finish(statement);
}

static int add_policy(struct tls_reports *reports, int64_t report,
                      const struct tlsrpt_policy *policy)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(reports->db,
                                "INSERT INTO policy (report, domain, type, successful, failed)"
                                " VALUES (?1, lower(?2), ?3, ?4, ?5)",
                                &statement);
    int64_t id;

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, report);
    report_file_bind(statement, 2, policy->domain);
    sqlite3_bind_int(statement, 3, (int)policy->type);
    sqlite3_bind_int64(statement, 4, (int64_t)policy->successful);
    sqlite3_bind_int64(statement, 5, (int64_t)policy->failed);
    r = report_file_finish(statement);
    id = sqlite3_last_insert_rowid(reports->db);
    for (uint32_t i = 0; i < policy->n_failures && r == 0; i++)
        r = add_failure(reports, id, &policy->failures[i]);
    return r;
}

static int add_all(struct tls_reports *reports, const struct tlsrpt_report *report,
                   int64_t received_s)
{
    int r = report_file_run(reports->db, "BEGIN IMMEDIATE"), added;
    int64_t id;

    if (r < 0)
        return r;
    added = add_report(reports, report, received_s);
    id = sqlite3_last_insert_rowid(reports->db);
    r = added;
    for (uint32_t i = 0; i < report->n_policies && r == 0; i++)
        r = add_policy(reports, id, &report->policies[i]);
    if (r == 0)
        r = report_file_run(reports->db, "COMMIT");
    if (r != 0)
        (void)report_file_run(reports->db, "ROLLBACK");
    return r;
}

/* Those out of their time or number, and `more` of the oldest. */
static int expire(struct tls_reports *reports, int64_t now_s, unsigned more)
{
    return report_file_expire(reports->db, now_s - (int64_t)TLS_REPORTS_KEEP_DAYS * DAY_S,
                              TLS_REPORTS_MAX, more);
}

int tls_reports_add(struct tls_reports *reports, const struct tlsrpt_report *report,
                    int64_t received_s)
{
    int r = add_all(reports, report, received_s);

    if (r == -ENOSPC && expire(reports, received_s, EXPIRE_AT_ONCE) == 0)
        r = add_all(reports, report, received_s);
    else if (r == 0)
        (void)expire(reports, received_s, 0); /* a failure here is one of the next, too */
    return r;
}

/* ---- reading -------------------------------------------------------------------------------- */

static int ask(struct tls_reports *reports, const char *sql, struct slice domain, int64_t since_s,
               sqlite3_stmt **ret_statement)
{
    int r = report_file_prepare(reports->db, sql, ret_statement);

    if (r < 0)
        return r;
    report_file_bind(*ret_statement, 1, domain);
    sqlite3_bind_int64(*ret_statement, 2, since_s);
    return 0;
}

int tls_reports_each_total(struct tls_reports *reports, struct slice domain, int64_t since_s,
                           tls_reports_on_total *on_total, void *arg)
{
    sqlite3_stmt *statement;
    int r = ask(reports,
                "SELECT p.domain, r.organization, p.type, count(DISTINCT r.id), sum(p.successful),"
                " sum(p.failed), min(r.start), max(r.end)"
                " FROM policy p JOIN report r ON r.id = p.report"
                " WHERE (?1 = '' OR p.domain = lower(?1)) AND r.end >= ?2"
                " GROUP BY p.domain, r.organization, p.type"
                " ORDER BY p.domain, sum(p.failed) DESC, r.organization",
                domain, since_s, &statement);
    int code = SQLITE_DONE;

    if (r < 0)
        return r;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct tls_reports_total total = {
            .domain = report_file_column(statement, 0),
            .organization = report_file_column(statement, 1),
            .type = (enum tlsrpt_policy_type)sqlite3_column_int(statement, 2),
            .reports = (uint64_t)sqlite3_column_int64(statement, 3),
            .successful = (uint64_t)sqlite3_column_int64(statement, 4),
            .failed = (uint64_t)sqlite3_column_int64(statement, 5),
            .start_s = sqlite3_column_int64(statement, 6),
            .end_s = sqlite3_column_int64(statement, 7)};
        on_total(arg, &total);
    }
    return report_file_end(statement, code);
}

int tls_reports_each_failure(struct tls_reports *reports, struct slice domain, int64_t since_s,
                             tls_reports_on_failure *on_failure, void *arg)
{
    sqlite3_stmt *statement;
    int r = ask(reports,
                "SELECT f.result, f.mx, f.sending_ip, r.organization, f.reason, sum(f.count),"
                " max(r.end) FROM failure f JOIN policy p ON p.rowid = f.policy"
                " JOIN report r ON r.id = p.report WHERE p.domain = lower(?1) AND r.end >= ?2"
                " GROUP BY f.result, f.mx, f.sending_ip, r.organization, f.reason"
                " ORDER BY sum(f.count) DESC, f.result, f.mx, f.sending_ip",
                domain, since_s, &statement);
    int code = SQLITE_DONE;

    if (r < 0)
        return r;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct tls_reports_failure kind = {.result = report_file_column(statement, 0),
                                                 .mx = report_file_column(statement, 1),
                                                 .sending_ip = report_file_column(statement, 2),
                                                 .organization = report_file_column(statement, 3),
                                                 .reason = report_file_column(statement, 4),
                                                 .count =
                                                     (uint64_t)sqlite3_column_int64(statement, 5),
                                                 .end_s = sqlite3_column_int64(statement, 6)};
        on_failure(arg, &kind);
    }
    return report_file_end(statement, code);
}
