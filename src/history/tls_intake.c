/*
 * See tls_intake.h. Anybody can send such a mail, so nothing of it is believed but what it says of
 * domains that are ours, and its sizes are bounded at each step: mail, gzip, JSON, rows. Who sent
 * it is what it says itself: nobody verifies its signature yet.
 */
#include "history/tls_intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "history/report_intake.h"
#include "history/tls_reports.h"
#include "trust/tlsrpt_mail.h"

struct intake {
    const char *path;
    const struct config *config;
};

/* Policies of domains that are not ours are left out. */
static void keep_ours(const struct config *config, struct tlsrpt_report *report)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < report->n_policies; i++) {
        if (config_find_domain(config, report->policies[i].domain))
            report->policies[n++] = report->policies[i];
    }
    report->n_policies = n;
}

static int store(const char *path, const struct tlsrpt_report *report)
{
    struct tls_reports *reports;
    int r = tls_reports_open(path, &reports);

    if (r < 0)
        return r;
    r = tls_reports_add(reports, report, (int64_t)(clock_wall_ms() / 1000));
    tls_reports_close(reports);
    return r;
}

static void log_taken(const struct msg_report *message, const struct tlsrpt_report *report)
{
    struct message_id_text id = message_id_format(message->message_id);
    struct slice domain = report->n_policies ? report->policies[0].domain : SLICE_NULL;
    uint64_t successful = 0, failed = 0;

    for (uint32_t i = 0; i < report->n_policies; i++) {
        successful += report->policies[i].successful;
        failed += report->policies[i].failed;
    }
    log_info(NULL, "tls-report-received", LOG_STR("message", id.text),
             LOG_SLICE("organization", report->organization), LOG_SLICE("report", report->id),
             LOG_SLICE("domain", domain), LOG_INT("successful", successful),
             LOG_INT("failed", failed));
}

static const char *take(void *arg, const struct msg_report *announced, struct slice mail,
                        struct arena *arena)
{
    const struct intake *intake = arg;
    struct tlsrpt_report report;
    const char *wrong;
    struct buf json;
    int r;

    buf_init(&json, TLSRPT_TEXT_MAX);
    wrong = tlsrpt_mail_read(mail, arena, &json);
    if (!wrong)
        wrong = tlsrpt_report_read(buf_slice(&json), arena, &report);
    buf_done(&json);
    if (wrong)
        return wrong;
    keep_ours(intake->config, &report);
    if (report.n_policies == 0)
        return "it is about none of our domains";
    r = store(intake->path, &report);
    if (r == 0)
        log_taken(announced, &report);
    return r < 0 ? log_strerror(-r) : r == 1 ? "it came before" : NULL;
}

static void log_left(const struct msg_report *message, const char *why)
{
    struct message_id_text id = message_id_format(message->message_id);

    log_info(NULL, "tls-report-left", LOG_STR("message", id.text),
             LOG_SLICE("to", message->recipient), LOG_STR("why", why));
}

void tls_intake_take(const char *path, const struct config *config,
                     const struct channel_message *message)
{
    struct intake intake = {.path = path, .config = config};

    report_intake_run(&(struct report_intake){.take = take, .left = log_left, .arg = &intake},
                      message);
}
