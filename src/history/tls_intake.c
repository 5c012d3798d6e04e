/*
 * See tls_intake.h. Anybody can send such a mail, so nothing of it is believed but what it says of
 * domains that are ours, and its sizes are bounded at each step: mail, gzip, JSON, rows. Who sent
 * it is what it says itself: nobody verifies its signature yet.
 */
#include "history/tls_intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "history/tls_reports.h"
#include "io/message.h"
#include "trust/report_part.h"
#include "trust/tlsrpt_mail.h"

#include <errno.h>
#include <unistd.h>

static int read_text(int fd, uint64_t offset, uint64_t length, struct buf *text)
{
    char *room;

    if (length > REPORT_MAIL_MAX)
        return -EFBIG;
    room = buf_reserve(text, (size_t)length);
    while (text->len < length) {
        ssize_t n =
            pread(fd, room + text->len, (size_t)length - text->len, (off_t)(offset + text->len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        buf_added(text, (size_t)n);
    }
    return 0;
}

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

static const char *take_report(const char *path, const struct config *config, struct slice mail,
                               struct arena *arena, struct tlsrpt_report *ret_report)
{
    const char *wrong;
    struct buf json;
    int r;

    buf_init(&json, TLSRPT_TEXT_MAX);
    wrong = tlsrpt_mail_read(mail, arena, &json);
    if (!wrong)
        wrong = tlsrpt_report_read(buf_slice(&json), arena, ret_report);
    buf_done(&json);
    if (wrong)
        return wrong;
    keep_ours(config, ret_report);
    if (ret_report->n_policies == 0)
        return "it is about none of our domains";
    r = store(path, ret_report);
    if (r < 0)
        return log_strerror(-r);
    return r == 1 ? "it came before" : NULL;
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

static void log_left(const struct msg_report *message, const char *why)
{
    struct message_id_text id = message_id_format(message->message_id);

    log_info(NULL, "tls-report-left", LOG_STR("message", id.text),
             LOG_SLICE("to", message->recipient), LOG_STR("why", why));
}

void tls_intake_take(const char *path, const struct config *config,
                     const struct channel_message *message)
{
    struct msg_report announced;
    struct tlsrpt_report report = {0};
    struct arena arena;
    struct buf text;
    const char *wrong;
    int r;

    arena_init(&arena);
    buf_init(&text, REPORT_MAIL_MAX);
    if (message->n_fds == 1 && msg_report_decode(message->payload, &arena, &announced) == 0) {
        r = read_text(message->fds[0], announced.text_offset, announced.text_length, &text);
        wrong =
            r < 0 ? log_strerror(-r) : take_report(path, config, buf_slice(&text), &arena, &report);
        if (wrong)
            log_left(&announced, wrong);
        else
            log_taken(&announced, &report);
    }
    buf_done(&text);
    arena_done(&arena);
}
