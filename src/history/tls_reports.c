/*
 * Three tables: reports, their policies, and their failures, which go with their report. See
 * tls_reports.h.
 *
 * Commits are synced: reports are few, and each comes once. Text of others is bound, never part of
 * a statement.
 */
#include "history/tls_reports.h"
#include "history/sqlite_failure.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORM = 1, PATIENCE_MS = 3000, DAY_S = 86400, PAGE = 4096, EXPIRE_AT_ONCE = 100 };

static const char schema[] =
    "PRAGMA foreign_keys = ON;"
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
    "PRAGMA user_version = 1;";

struct tls_reports {
    sqlite3 *db;
};

static int run(struct tls_reports *reports, const char *sql)
{
    int code = sqlite3_exec(reports->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : sqlite_failure(code);
}

/* ---- opening -------------------------------------------------------------------------------- */

static int get_form(struct tls_reports *reports, int *ret_form)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(reports->db, "PRAGMA user_version", -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_form = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? 0 : sqlite_failure(code);
}

static int open_db(const char *path, int flags, struct tls_reports **ret_reports)
{
    struct tls_reports *reports = xcalloc(1, sizeof(*reports));
    int code = sqlite3_open_v2(path, &reports->db, flags | SQLITE_OPEN_NOFOLLOW, NULL);
    int r = code == SQLITE_OK ? 0 : sqlite_failure(code), form = 0;

    if (r == 0) {
        sqlite3_busy_timeout(reports->db, PATIENCE_MS);
        r = get_form(reports, &form);
    }
    if (r == 0 && form > FORM)
        r = -ENOTSUP;
    if (r == 0) {
        *ret_reports = reports;
        return 0;
    }
    tls_reports_close(reports);
    return r;
}

static int prepare(struct tls_reports *reports)
{
    char bound[64];
    int r;

    snprintf(bound, sizeof(bound), "PRAGMA max_page_count = %d",
             TLS_REPORTS_SIZE_MIB * (1024 * 1024 / PAGE));
    r = run(reports, bound);
    return r < 0 ? r : run(reports, schema);
}

static int open_write(const char *path, struct tls_reports **ret_reports)
{
    struct tls_reports *reports;
    int r = open_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &reports);

    if (r < 0)
        return r;
    /* As the folder: readable for those who may read the history. */
    (void)chmod(path, 0640);
    r = prepare(reports);
    if (r < 0)
        tls_reports_close(reports);
    else
        *ret_reports = reports;
    return r;
}

int tls_reports_open(const char *path, struct tls_reports **ret_reports)
{
    int r = open_write(path, ret_reports);
    char aside[4096 + 16];

    if (r != -EUCLEAN)
        return r;
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    if (rename(path, aside) < 0)
        return -errno;
    return open_write(path, ret_reports);
}

int tls_reports_open_read(const char *path, struct tls_reports **ret_reports)
{
    return open_db(path, SQLITE_OPEN_READONLY, ret_reports);
}

void tls_reports_close(struct tls_reports *reports)
{
    if (!reports)
        return;
    sqlite3_close(reports->db);
    free(reports);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *statement, int at, struct slice text)
{
    sqlite3_bind_text(statement, at, text.ptr ? text.ptr : "", (int)text.len, SQLITE_TRANSIENT);
}

static int finish(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? 0 : sqlite_failure(code);
}

static int add_report(struct tls_reports *reports, const struct tlsrpt_report *report,
                      int64_t received_s)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(reports->db,
                                  "INSERT INTO report (organization, report, contact, start, end,"
                                  " received) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                                  " ON CONFLICT DO NOTHING",
                                  -1, &statement, NULL);
    int r;

    if (code != SQLITE_OK)
        return sqlite_failure(code);
    bind_text(statement, 1, report->organization);
    bind_text(statement, 2, report->id);
    bind_text(statement, 3, report->contact);
    sqlite3_bind_int64(statement, 4, report->start);
    sqlite3_bind_int64(statement, 5, report->end);
    sqlite3_bind_int64(statement, 6, received_s);
    r = finish(statement);
    return r < 0 ? r : sqlite3_changes(reports->db) == 0;
}

static int add_failure(struct tls_reports *reports, int64_t policy,
                       const struct tlsrpt_failure *kind)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(reports->db,
                                  "INSERT INTO failure (policy, result, mx, sending_ip,"
                                  " receiving_ip, reason, count)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                  -1, &statement, NULL);

    if (code != SQLITE_OK)
        return sqlite_failure(code);
    sqlite3_bind_int64(statement, 1, policy);
    bind_text(statement, 2, kind->result);
    bind_text(statement, 3, kind->mx);
    bind_text(statement, 4, kind->sending_ip);
    bind_text(statement, 5, kind->receiving_ip);
    bind_text(statement, 6, kind->reason);
    sqlite3_bind_int64(statement, 7, (int64_t)kind->count);
    return finish(statement);
}

static int add_policy(struct tls_reports *reports, int64_t report,
                      const struct tlsrpt_policy *policy)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(reports->db,
                                  "INSERT INTO policy (report, domain, type, successful, failed)"
                                  " VALUES (?1, lower(?2), ?3, ?4, ?5)",
                                  -1, &statement, NULL);
    int64_t id;
    int r;

    if (code != SQLITE_OK)
        return sqlite_failure(code);
    sqlite3_bind_int64(statement, 1, report);
    bind_text(statement, 2, policy->domain);
    sqlite3_bind_int(statement, 3, (int)policy->type);
    sqlite3_bind_int64(statement, 4, (int64_t)policy->successful);
    sqlite3_bind_int64(statement, 5, (int64_t)policy->failed);
    r = finish(statement);
    id = sqlite3_last_insert_rowid(reports->db);
    for (uint32_t i = 0; i < policy->n_failures && r == 0; i++)
        r = add_failure(reports, id, &policy->failures[i]);
    return r;
}

static int add_all(struct tls_reports *reports, const struct tlsrpt_report *report,
                   int64_t received_s)
{
    int r = run(reports, "BEGIN IMMEDIATE"), added;
    int64_t id;

    if (r < 0)
        return r;
    added = add_report(reports, report, received_s);
    id = sqlite3_last_insert_rowid(reports->db);
    r = added;
    for (uint32_t i = 0; i < report->n_policies && r == 0; i++)
        r = add_policy(reports, id, &report->policies[i]);
    if (r == 0)
        r = run(reports, "COMMIT");
    if (r != 0)
        (void)run(reports, "ROLLBACK");
    return r;
}

/* Those out of their time or number, and `more` of the oldest. */
static int expire(struct tls_reports *reports, int64_t now_s, unsigned more)
{
    char sql[256];

    snprintf(sql, sizeof(sql),
             "DELETE FROM report WHERE received < %lld"
             " OR id <= (SELECT max(id) FROM report) - %d"
             " OR id IN (SELECT id FROM report ORDER BY id LIMIT %u)",
             (long long)(now_s - (int64_t)TLS_REPORTS_KEEP_DAYS * DAY_S), TLS_REPORTS_MAX, more);
    return run(reports, sql);
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

static struct slice column(sqlite3_stmt *statement, int at)
{
    const void *text = sqlite3_column_text(statement, at);

    return slice_from(text, (size_t)sqlite3_column_bytes(statement, at));
}

static int ask(struct tls_reports *reports, const char *sql, struct slice domain, int64_t since_s,
               sqlite3_stmt **ret_statement)
{
    int code = sqlite3_prepare_v2(reports->db, sql, -1, ret_statement, NULL);

    if (code != SQLITE_OK)
        return sqlite_failure(code);
    bind_text(*ret_statement, 1, domain);
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
            .domain = column(statement, 0),
            .organization = column(statement, 1),
            .type = (enum tlsrpt_policy_type)sqlite3_column_int(statement, 2),
            .reports = (uint64_t)sqlite3_column_int64(statement, 3),
            .successful = (uint64_t)sqlite3_column_int64(statement, 4),
            .failed = (uint64_t)sqlite3_column_int64(statement, 5),
            .start_s = sqlite3_column_int64(statement, 6),
            .end_s = sqlite3_column_int64(statement, 7)};
        on_total(arg, &total);
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? 0 : sqlite_failure(code);
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
        const struct tls_reports_failure kind = {.result = column(statement, 0),
                                                 .mx = column(statement, 1),
                                                 .sending_ip = column(statement, 2),
                                                 .organization = column(statement, 3),
                                                 .reason = column(statement, 4),
                                                 .count =
                                                     (uint64_t)sqlite3_column_int64(statement, 5),
                                                 .end_s = sqlite3_column_int64(statement, 6)};
        on_failure(arg, &kind);
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? 0 : sqlite_failure(code);
}
