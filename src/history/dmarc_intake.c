/*
 * See dmarc_intake.h. Anybody can send such a mail, so nothing of it is believed but what it says
 * of domains that are ours, and its sizes are bounded at each step: mail, gzip or zip, XML, rows.
 *
 * A report is ours when its policy domain is one of our domains or below one. One about a domain
 * above (whose record covers ours) is kept as far as its rows are in our names.
 */
#include "history/dmarc_intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "history/dmarc_reports.h"
#include "history/report_intake.h"
#include "trust/dmarc_report_mail.h"
#include "trust/dmarc_report_read.h"

/* A reporter's clock may be ahead by this. */
enum { LABELS_MAX = 128, AHEAD_MAX_S = 2 * 86400 };

struct intake {
    const char *path;
    const struct config *config;
};

static bool is_ours(const struct config *config, struct slice domain)
{
    for (unsigned i = 0; i < LABELS_MAX && domain.ptr; i++) {
        if (domain.len && config_find_domain(config, domain))
            return true;
        (void)slice_cut(&domain, '.');
    }
    return false;
}

/* Rows without an author domain are the policy domain's (drafts of the format had none). */
static void keep_ours(const struct config *config, struct dmarc_report *report)
{
    bool all = is_ours(config, report->policy.domain);
    uint32_t n = 0;

    for (uint32_t i = 0; i < report->n_rows; i++) {
        struct dmarc_report_row *row = &report->rows[i];
        if (row->header_from.len == 0)
            row->header_from = report->policy.domain;
        if (all || is_ours(config, row->header_from))
            report->rows[n++] = *row;
    }
    report->n_rows = n;
}

static int store(const char *path, const struct dmarc_report *report)
{
    struct dmarc_reports *reports;
    int r = dmarc_reports_open(path, &reports);

    if (r < 0)
        return r;
    r = dmarc_reports_add(reports, report, (int64_t)(clock_wall_ms() / 1000));
    dmarc_reports_close(reports);
    return r;
}

static void log_taken(const struct msg_report *announced, const struct dmarc_report *report)
{
    struct message_id_text id = message_id_format(announced->message_id);
    uint64_t messages = 0, failed = 0;

    for (uint32_t i = 0; i < report->n_rows; i++) {
        const struct dmarc_report_row *row = &report->rows[i];
        messages += row->count;
        if (!slice_eq_nocase(row->dkim, SLICE("pass")) && !slice_eq_nocase(row->spf, SLICE("pass")))
            failed += row->count;
    }
    log_info(NULL, "dmarc-report-received", LOG_STR("message", id.text),
             LOG_SLICE("organization", report->metadata.org_name),
             LOG_SLICE("report", report->metadata.report_id),
             LOG_SLICE("domain", report->policy.domain), LOG_INT("messages", messages),
             LOG_INT("failed", failed));
}

static const char *take(void *arg, const struct msg_report *announced, struct slice mail,
                        struct arena *arena)
{
    const struct intake *intake = arg;
    struct dmarc_report report;
    const char *wrong;
    struct buf xml;
    int r;

    buf_init(&xml, DMARC_READ_XML_MAX);
    wrong = dmarc_report_mail_read(mail, arena, &xml);
    if (!wrong)
        wrong = dmarc_report_read(buf_slice(&xml), arena, &report);
    buf_done(&xml);
    if (wrong)
        return wrong;
    /* It would be the newest for years. */
    if (report.metadata.end > (int64_t)(clock_wall_ms() / 1000) + AHEAD_MAX_S)
        return "its period is in the future";
    keep_ours(intake->config, &report);
    if (report.n_rows == 0)
        return "it is about none of our domains";
    r = store(intake->path, &report);
    if (r == 0)
        log_taken(announced, &report);
    return r < 0 ? log_strerror(-r) : r == 1 ? "it came before" : NULL;
}

static void log_left(const struct msg_report *announced, const char *why)
{
    struct message_id_text id = message_id_format(announced->message_id);

    log_info(NULL, "dmarc-report-left", LOG_STR("message", id.text),
             LOG_SLICE("to", announced->recipient), LOG_STR("why", why));
}

void dmarc_intake_take(const char *path, const struct config *config,
                       const struct channel_message *message)
{
    struct intake intake = {.path = path, .config = config};

    report_intake_run(&(struct report_intake){.take = take, .left = log_left, .arg = &intake},
                      message);
}
