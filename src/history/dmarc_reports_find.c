/* Sums over the kept DMARC reports. See dmarc_reports.h. */
#include "history/dmarc_reports_store.h"

/* Rows that a question is about: ?1 the author domain, ?2 the time. Asked for one domain without an
 * alternative, or no index is used. */
#define IN_TIME " FROM row w JOIN report r ON r.id = w.report WHERE r.end >= ?2"
#define OF_ONE  " AND w.author = lower(?1)"

static int ask(struct dmarc_reports *reports, const char *sql,
               const struct dmarc_reports_question *question, sqlite3_stmt **ret_statement)
{
    int r = report_file_prepare(reports->db, sql, ret_statement);

    if (r < 0)
        return r;
    report_file_bind(*ret_statement, 1, question->domain);
    sqlite3_bind_int64(*ret_statement, 2, question->since_s);
    return 0;
}

static uint64_t number(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

/* The newest report's policy goes with its time through one max(): of several, SQLite takes the
 * other columns from the row of any. */
#define DOMAINS(condition)                                                                         \
    "SELECT w.author, substr(max(printf('%020d', r.end) || r.policy), 21),"                        \
    " count(DISTINCT r.id), sum(w.count), sum(iif(w.dkim OR w.spf, 0, w.count)), min(r.begin),"    \
    " max(r.end)" IN_TIME condition " GROUP BY w.author ORDER BY 5 DESC, 4 DESC, 1"

int dmarc_reports_each_domain(struct dmarc_reports *reports,
                              const struct dmarc_reports_question *question,
                              dmarc_reports_on_domain *on_domain, void *arg)
{
    sqlite3_stmt *statement;
    int r =
        ask(reports, question->domain.len ? DOMAINS(OF_ONE) : DOMAINS(""), question, &statement);
    int code;

    if (r < 0)
        return r;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct dmarc_reports_domain domain = {.domain = report_file_column(statement, 0),
                                                    .policy = report_file_column(statement, 1),
                                                    .reports = number(statement, 2),
                                                    .messages = number(statement, 3),
                                                    .failed = number(statement, 4),
                                                    .begin_s = sqlite3_column_int64(statement, 5),
                                                    .end_s = sqlite3_column_int64(statement, 6)};
        on_domain(arg, &domain);
    }
    return report_file_end(statement, code);
}

int dmarc_reports_each_source(struct dmarc_reports *reports,
                              const struct dmarc_reports_question *question,
                              dmarc_reports_on_source *on_source, void *arg)
{
    sqlite3_stmt *statement;
    int r = ask(reports,
                "SELECT w.ip, group_concat(DISTINCT r.organization), sum(w.count),"
                " sum(iif(w.dkim OR w.spf, 0, w.count)), sum(w.dkim * w.count),"
                " sum(w.spf * w.count), sum(iif(w.disposition = 'quarantine', w.count, 0)),"
                " sum(iif(w.disposition = 'reject', w.count, 0)),"
                " sum(iif(w.is_signed, 0, w.count)), max(r.end)" IN_TIME OF_ONE
                " GROUP BY w.ip ORDER BY 4 DESC, 3 DESC, 1",
                question, &statement);
    int code;

    if (r < 0)
        return r;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct dmarc_reports_source source = {.ip = report_file_column(statement, 0),
                                                    .reporters = report_file_column(statement, 1),
                                                    .messages = number(statement, 2),
                                                    .failed = number(statement, 3),
                                                    .dkim_aligned = number(statement, 4),
                                                    .spf_aligned = number(statement, 5),
                                                    .quarantined = number(statement, 6),
                                                    .rejected = number(statement, 7),
                                                    .unsigned_messages = number(statement, 8),
                                                    .end_s = sqlite3_column_int64(statement, 9)};
        on_source(arg, &source);
    }
    return report_file_end(statement, code);
}

int dmarc_reports_each_fact(struct dmarc_reports *reports,
                            const struct dmarc_reports_question *question, struct slice ip,
                            dmarc_reports_on_fact *on_fact, void *arg)
{
    sqlite3_stmt *statement;
    int r = ask(reports,
                "SELECT f.kind, f.domain, f.selector, f.result, sum(w.count),"
                " sum(w.count * iif(f.kind = 0, w.dkim, w.spf))"
                " FROM fact f JOIN row w ON w.id = f.row JOIN report r ON r.id = w.report"
                " WHERE w.author = lower(?1) AND r.end >= ?2 AND w.ip = lower(?3)"
                " GROUP BY f.kind, f.domain, f.selector, f.result"
                " ORDER BY f.kind, 5 DESC, f.domain, f.selector, f.result",
                question, &statement);
    int code;

    if (r < 0)
        return r;
    report_file_bind(statement, 3, ip);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct dmarc_reports_fact fact = {
            .kind = (enum dmarc_reports_kind)sqlite3_column_int(statement, 0),
            .domain = report_file_column(statement, 1),
            .selector = report_file_column(statement, 2),
            .result = report_file_column(statement, 3),
            .messages = number(statement, 4),
            .aligned = number(statement, 5)};
        on_fact(arg, &fact);
    }
    return report_file_end(statement, code);
}
