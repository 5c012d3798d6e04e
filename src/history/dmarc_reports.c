/*
 * Reports, their rows, and what was judged of each row (signatures, SPF, reasons of overrides).
 * See dmarc_reports.h. Reading is in dmarc_reports_find.c.
 */
#include "history/dmarc_reports_store.h"

#include <errno.h>
#include <stdio.h>

enum { DAY_S = 86400, EXPIRE_AT_ONCE = 100 };

static const struct report_file_form form = {
    .form = 1,
    .size_mib = DMARC_REPORTS_SIZE_MIB,
    .schema =
        "CREATE TABLE IF NOT EXISTS report (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " organization TEXT NOT NULL, report TEXT NOT NULL, domain TEXT NOT NULL,"
        " policy TEXT NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL,"
        " received INTEGER NOT NULL, UNIQUE (organization, report, domain));"
        "CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY,"
        " report INTEGER NOT NULL REFERENCES report ON DELETE CASCADE, author TEXT NOT NULL,"
        " ip TEXT NOT NULL, count INTEGER NOT NULL, disposition TEXT NOT NULL,"
        " dkim INTEGER NOT NULL, spf INTEGER NOT NULL, is_signed INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS row_report ON row (report);"
        "CREATE INDEX IF NOT EXISTS row_author ON row (author, ip);"
        "CREATE TABLE IF NOT EXISTS fact (row INTEGER NOT NULL REFERENCES row ON DELETE CASCADE,"
        " kind INTEGER NOT NULL, domain TEXT NOT NULL, selector TEXT NOT NULL,"
        " result TEXT NOT NULL);"
        "CREATE INDEX IF NOT EXISTS fact_row ON fact (row);"
        "PRAGMA user_version = 1;"};

/* ---- opening -------------------------------------------------------------------------------- */

static int wrap(int r, sqlite3 *db, struct dmarc_reports **ret_reports)
{
    if (r < 0)
        return r;
    *ret_reports = xcalloc(1, sizeof(**ret_reports));
    (*ret_reports)->db = db;
    return 0;
}

int dmarc_reports_open(const char *path, struct dmarc_reports **ret_reports)
{
    sqlite3 *db = NULL;
    int r = report_file_open(path, &form, &db);

    return wrap(r, db, ret_reports);
}

int dmarc_reports_open_read(const char *path, struct dmarc_reports **ret_reports)
{
    sqlite3 *db = NULL;
    int r = report_file_open_read(path, &form, &db);

    return wrap(r, db, ret_reports);
}

void dmarc_reports_close(struct dmarc_reports *reports)
{
    if (!reports)
        return;
    sqlite3_close(reports->db);
    free(reports);
}

/* ---- writing -------------------------------------------------------------------------------- */

static int add_head(struct dmarc_reports *reports, const struct dmarc_report *report,
                    int64_t received_s)
{
    sqlite3_stmt *statement;
    int r =
        report_file_prepare(reports->db,
                            "INSERT INTO report (organization, report, domain, policy, begin, end,"
                            " received) VALUES (?1, ?2, lower(?3), lower(?4), ?5, ?6, ?7)"
                            " ON CONFLICT DO NOTHING",
                            &statement);

    if (r < 0)
        return r;
    report_file_bind(statement, 1, report->metadata.org_name);
    report_file_bind(statement, 2, report->metadata.report_id);
    report_file_bind(statement, 3, report->policy.domain);
    report_file_bind(statement, 4, report->policy.p);
    sqlite3_bind_int64(statement, 5, report->metadata.begin);
    sqlite3_bind_int64(statement, 6, report->metadata.end);
    sqlite3_bind_int64(statement, 7, received_s);
    r = report_file_finish(statement);
    return r < 0 ? r : sqlite3_changes(reports->db) == 0;
}

static int add_fact(sqlite3_stmt *statement, int64_t row, enum dmarc_reports_kind kind,
                    struct slice domain, struct slice selector, struct slice result)
{
    int code;

    sqlite3_bind_int64(statement, 1, row);
    sqlite3_bind_int(statement, 2, (int)kind);
    report_file_bind(statement, 3, domain);
    report_file_bind(statement, 4, selector);
    report_file_bind(statement, 5, result);
    code = sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK && code == SQLITE_DONE ? 0 : sqlite_failure(code);
}

struct statements {
    sqlite3_stmt *row, *fact;
};

static int add_facts(const struct statements *statements, int64_t id,
                     const struct dmarc_report_row *row)
{
    int r = 0;

    for (uint32_t i = 0; i < row->n_signatures && r == 0; i++)
        r = add_fact(statements->fact, id, DMARC_REPORTS_DKIM, row->signatures[i].domain,
                     row->signatures[i].selector, row->signatures[i].result);
    if (r == 0 && row->spf_result.len)
        r = add_fact(statements->fact, id, DMARC_REPORTS_SPF, row->spf_domain, SLICE_NULL,
                     row->spf_result);
    for (uint32_t i = 0; i < row->n_reasons && r == 0; i++)
        r = add_fact(statements->fact, id, DMARC_REPORTS_REASON, row->reasons[i].type,
                     row->reasons[i].comment, SLICE_NULL);
    return r;
}

static int add_row(struct dmarc_reports *reports, const struct statements *statements,
                   int64_t report, const struct dmarc_report_row *row)
{
    sqlite3_stmt *statement = statements->row;
    int code;

    sqlite3_bind_int64(statement, 1, report);
    report_file_bind(statement, 2, row->header_from);
    report_file_bind(statement, 3, row->source_ip);
    sqlite3_bind_int64(statement, 4, (int64_t)row->count);
    report_file_bind(statement, 5, row->disposition);
    sqlite3_bind_int(statement, 6, slice_eq_nocase(row->dkim, SLICE("pass")));
    sqlite3_bind_int(statement, 7, slice_eq_nocase(row->spf, SLICE("pass")));
    sqlite3_bind_int(statement, 8, row->n_signatures > 0);
    code = sqlite3_step(statement);
    if (sqlite3_reset(statement) != SQLITE_OK || code != SQLITE_DONE)
        return sqlite_failure(code);
    return add_facts(statements, sqlite3_last_insert_rowid(reports->db), row);
}

static int add_rows(struct dmarc_reports *reports, const struct dmarc_report *report)
{
    int64_t id = sqlite3_last_insert_rowid(reports->db);
    struct statements statements = {0};
    int r =
        report_file_prepare(reports->db,
                            "INSERT INTO row (report, author, ip, count, disposition, dkim, spf,"
                            " is_signed) VALUES (?1, lower(?2), lower(?3), ?4, lower(?5), ?6, ?7,"
                            " ?8)",
                            &statements.row);

    if (r == 0)
        r = report_file_prepare(reports->db,
                                "INSERT INTO fact (row, kind, domain, selector, result)"
                                " VALUES (?1, ?2, lower(?3), ?4, lower(?5))",
                                &statements.fact);
    for (uint32_t i = 0; i < report->n_rows && r == 0; i++)
        r = add_row(reports, &statements, id, &report->rows[i]);
    sqlite3_finalize(statements.row);
    sqlite3_finalize(statements.fact);
    return r;
}

static int add_all(struct dmarc_reports *reports, const struct dmarc_report *report,
                   int64_t received_s)
{
    int r = report_file_run(reports->db, "BEGIN IMMEDIATE");

    if (r < 0)
        return r;
    r = add_head(reports, report, received_s);
    if (r == 0)
        r = add_rows(reports, report);
    if (r == 0)
        r = report_file_run(reports->db, "COMMIT");
    if (r != 0 && !sqlite3_get_autocommit(reports->db))
        (void)report_file_run(reports->db, "ROLLBACK");
    return r;
}

/* Those out of their time or number, and `more` of the oldest. */
static int expire(struct dmarc_reports *reports, int64_t now_s, unsigned more)
{
    return report_file_expire(reports->db, now_s - (int64_t)DMARC_REPORTS_KEEP_DAYS * DAY_S,
                              DMARC_REPORTS_MAX, more);
}

int dmarc_reports_add(struct dmarc_reports *reports, const struct dmarc_report *report,
                      int64_t received_s)
{
    int r = add_all(reports, report, received_s);

    if (r == -ENOSPC && expire(reports, received_s, EXPIRE_AT_ONCE) == 0)
        r = add_all(reports, report, received_s);
    else if (r == 0)
        (void)expire(reports, received_s, 0); /* a failure here is one of the next, too */
    return r;
}
