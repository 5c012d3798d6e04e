/*
 * Glue, and the folders: state/relay/sts for policies, state/relay/tlsrpt for counts. See
 * policies.h. Where they cannot be had all goes on in memory: mail is more important.
 */
#include "relay/policies.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TICK_MS = 60 * 1000, HTTPS_PORT = 443, ADDRESS_MAX = 320 };

static bool send_mail(void *arg, struct slice from, struct slice to, struct slice text)
{
    struct policies *policies = arg;

    return mail_out_send(policies->mail_out, from, to, text);
}

/* A policy that cannot be had is a failed session of its domain (RFC 8460 section 4.3.2.2). */
static void on_sts_failed(void *arg, struct slice domain, const char *failure, const char *why)
{
    struct policies *policies = arg;
    const struct tlsrpt_session session = {
        .domain = domain, .type = TLSRPT_STS, .result = failure, .why = slice_from_cstr(why)};

    tlsrpt_note(policies->tlsrpt, &session);
}

static int open_folder(int parent, const char *name)
{
    int fd;

    if (parent < 0)
        return -1;
    (void)mkdirat(parent, name, 0700); /* what failed is seen now */
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        log_warn(NULL, "folder-unusable", LOG_STR("folder", name), LOG_ERRNO(errno));
    return fd;
}

static void open_folders(struct policies *policies)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%.*s/relay", SLICE_ARG(policies->role->config->state));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        log_warn(NULL, "folder-unusable", LOG_STR("folder", path), LOG_ERRNO(errno));
    policies->sts_folder = open_folder(fd, "sts");
    policies->tlsrpt_folder = open_folder(fd, "tlsrpt");
    if (fd >= 0)
        close(fd);
}

static void on_tick(void *arg)
{
    struct policies *policies = arg;

    sts_tick(policies->sts);
    loop_timer_arm(policies->timer, clock_mono_ms() + TICK_MS);
}

int policies_open(struct policies *policies, struct role_context *role, struct dns *dns)
{
    int r;

    *policies = (struct policies){.role = role};
    r = https_new(dns, &policies->https);
    if (r < 0)
        return r;
    open_folders(policies);
    policies->mail_out = mail_out_new(role);
    policies->dmarc_mailer = dmarc_mailer_new(
        &(struct dmarc_mailer_settings){.role = role, .dns = dns, .mail_out = policies->mail_out});
    policies->tlsrpt = tlsrpt_new(&(struct tlsrpt_settings){.dns = dns,
                                                            .https = policies->https,
                                                            .folder = policies->tlsrpt_folder,
                                                            .send_mail = send_mail,
                                                            .arg = policies});
    policies->sts = sts_new(&(struct sts_settings){.dns = dns,
                                                   .https = policies->https,
                                                   .folder = policies->sts_folder,
                                                   .port = HTTPS_PORT,
                                                   .failed = on_sts_failed,
                                                   .arg = policies});
    policies->timer = loop_timer(role->loop, on_tick, policies);
    policies_configure(policies, role->config);
    return 0;
}

int policies_start(struct policies *policies)
{
    int r;

    loop_timer_arm(policies->timer, clock_mono_ms() + TICK_MS);
    r = dmarc_mailer_start(policies->dmarc_mailer);
    return r < 0 ? r : tlsrpt_start(policies->tlsrpt);
}

void policies_configure(struct policies *policies, const struct config *config)
{
    const struct config_tls_report *settings = &config->tls_report;
    char ours[ADDRESS_MAX];
    struct slice fallback;

    snprintf(ours, sizeof(ours), "postmaster@%.*s", SLICE_ARG(config->hostname));
    fallback = slice_from_cstr(ours);
    tlsrpt_set_identity(
        policies->tlsrpt,
        &(struct tlsrpt_identity){.send = settings->send,
                                  .hostname = config->hostname,
                                  .contact = settings->contact.len ? settings->contact : fallback,
                                  .from = settings->from.len ? settings->from : fallback});
    dmarc_mailer_set_identity(policies->dmarc_mailer, config->hostname,
                              config->dmarc_report.from.len ? config->dmarc_report.from : fallback);
}

void policies_set_ca(struct policies *policies, struct slice ca)
{
    https_set_ca(policies->https, ca);
}

bool policies_take_message(struct policies *policies, const struct channel_message *message)
{
    if (message->type == MSG_MAIL_TAKEN)
        mail_out_answered(policies->mail_out, message->payload);
    else if (message->type == MSG_DMARC_SEND)
        dmarc_mailer_take(policies->dmarc_mailer, message);
    else
        return false;
    return true;
}

void policies_queue_changed(struct policies *policies)
{
    mail_out_lost(policies->mail_out);
}

void policies_status(struct policies *policies, struct buf *json)
{
    buf_printf(json, "\"sts_policies\":%u,", sts_numbers(policies->sts).policies);
}

void policies_stop(struct policies *policies)
{
    https_stop(policies->https);
    mail_out_stop(policies->mail_out);
}

void policies_close(struct policies *policies)
{
    policies_stop(policies);
    sts_free(policies->sts);
    tlsrpt_free(policies->tlsrpt);
    dmarc_mailer_free(policies->dmarc_mailer);
    mail_out_free(policies->mail_out);
    https_free(policies->https);
    loop_timer_free(policies->timer);
    if (policies->sts_folder >= 0)
        close(policies->sts_folder);
    if (policies->tlsrpt_folder >= 0)
        close(policies->tlsrpt_folder);
}
