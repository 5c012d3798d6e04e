/*
 * The role: lines in, rows out. See history.h.
 *
 * Lines of a short while are one transaction, so that the disk sees few of them. A file that does
 * not take them is told in the log now and then and in the status, and tried again; a damaged one
 * is set aside and begun anew. Nothing of it reaches the others.
 */
#include "history/history.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "history/archive.h"
#include "history/dmarc_counting.h"
#include "history/dmarc_intake.h"
#include "history/dmarc_reports.h"
#include "history/tls_intake.h"
#include "history/tls_reports.h"
#include "io/tap.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NICEST = 19,
    COMMIT_MS = 200,
    EXPIRE_MS = 10 * 1000,
    EXPIRE_SOON_MS = 100,
    OPEN_AGAIN_MS = 5000,
    COMPLAIN_MS = 60 * 1000,
    PATIENCE_MS = 2000,
    STOP_MS = 3000,
    OWN_LINES_MAX = 64 * 1024,
};

struct history {
    struct role_context *role;
    struct archive *archive; /* NULL: cannot be opened now */
    struct dmarc_counting *dmarc;
    struct loop_timer *commit_timer, *expire_timer, *stop_timer;
    struct arena arena;
    char path[PATH_MAX], damaged[PATH_MAX], tls_reports[PATH_MAX], dmarc_reports[PATH_MAX];
    bool stopping;
    bool writing; /* a transaction is open */
    uint64_t n_events, n_batch, n_lost, n_bad;
    uint64_t n_kept; /* on disk: as n_events, without those of the batch */
    uint64_t open_again_ms, complain_ms;
};

static void complain(struct history *history, const char *event, int error)
{
    uint64_t now = clock_mono_ms();

    if (now < history->complain_ms)
        return;
    history->complain_ms = now + COMPLAIN_MS;
    log_error(NULL, event, LOG_ERRNO(error), LOG_STR("path", history->path),
              LOG_INT("lost", history->n_lost));
}

/* The file and what belongs to it, out of the way. */
static void set_aside(struct history *history)
{
    static const char *const tails[] = {"-wal", "-shm"};
    char path[PATH_MAX + 8];

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", history->path, tails[i]);
        (void)unlink(path);
    }
    if (rename(history->path, history->damaged) < 0)
        complain(history, "history-not-set-aside", errno);
    else
        log_error(NULL, "history-damaged", LOG_STR("path", history->path),
                  LOG_STR("set_aside", history->damaged));
}

static void open_archive(struct history *history)
{
    int r;

    if (history->archive || clock_mono_ms() < history->open_again_ms)
        return;
    r = archive_open(history->path, PATIENCE_MS, &history->archive);
    if (r == -EUCLEAN) {
        set_aside(history);
        r = archive_open(history->path, PATIENCE_MS, &history->archive);
    }
    if (r == 0)
        return;
    history->archive = NULL;
    history->open_again_ms = clock_mono_ms() + OPEN_AGAIN_MS;
    complain(history, "history-not-opened", r);
}

/* What was written since the last commit is lost. */
static void give_up(struct history *history, int error)
{
    history->n_lost += history->n_batch;
    history->n_events -= history->n_batch;
    history->n_batch = 0;
    history->writing = false;
    archive_rollback(history->archive);
    if (error == -EUCLEAN) {
        archive_close(history->archive);
        history->archive = NULL;
        set_aside(history);
        open_archive(history);
        return;
    }
    complain(history, "history-not-written", error);
}

static void commit(struct history *history)
{
    int r;

    if (!history->writing)
        return;
    r = archive_commit(history->archive);
    if (r < 0) {
        give_up(history, r);
        return;
    }
    history->writing = false;
    history->n_kept += history->n_batch;
    history->n_batch = 0;
}

static bool begin(struct history *history)
{
    int r;

    if (history->writing)
        return true;
    open_archive(history);
    if (!history->archive)
        return false;
    r = archive_begin(history->archive);
    if (r < 0) {
        give_up(history, r);
        return false;
    }
    history->writing = true;
    loop_timer_arm(history->commit_timer, clock_mono_ms() + COMMIT_MS);
    return true;
}

static void take_line(struct history *history, struct slice line)
{
    struct event event;
    int r;

    arena_reset(&history->arena);
    if (event_read(line, &history->arena, &event) < 0) {
        history->n_bad++;
        return;
    }
    if (!begin(history)) {
        history->n_lost++;
        return;
    }
    history->n_events++;
    history->n_batch++;
    r = archive_add(history->archive, &event, false);
    if (r < 0)
        give_up(history, r);
}

static void take_lines(struct history *history, struct slice lines)
{
    while (lines.len)
        take_line(history, slice_cut(&lines, '\n'));
}

/* What we log ourselves. */
static void take_own(struct history *history)
{
    char lines[OWN_LINES_MAX];
    size_t n = tap_fd() < 0 ? 0 : tap_peek(lines, sizeof(lines));

    if (n) {
        tap_forget(n);
        take_lines(history, slice_from(lines, n));
    }
}

static void take_report(struct history *history, const struct channel_message *message)
{
    if (message->type == MSG_TLS_REPORT)
        tls_intake_take(history->tls_reports, history->role->config, message);
    else if (message->type == MSG_DMARC_REPORT)
        dmarc_intake_take(history->dmarc_reports, history->role->config, message);
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct history *history = arg;

    if (from == ROLE_LOCAL)
        take_report(history, message);
    if (message->type == MSG_DMARC_ROW && from == ROLE_RECEIVE)
        dmarc_counting_take(history->dmarc, message->payload);
    if (message->type == MSG_DMARC_SENT && from == ROLE_RELAY)
        dmarc_counting_answered(history->dmarc, message->payload);
    if (message->type == MSG_EVENTS) {
        take_own(history);
        take_lines(history, message->payload);
    }
    channel_message_close_fds(message);
}

static void on_commit_time(void *arg)
{
    commit(arg);
}

static void on_expire_time(void *arg)
{
    struct history *history = arg;
    const struct config_history *settings = &history->role->config->history;
    uint64_t now = clock_wall_ms();
    bool more = false;
    int r;

    commit(history);
    open_archive(history);
    if (history->archive) {
        r = archive_expire(history->archive, now > settings->keep_ms ? now - settings->keep_ms : 0,
                           settings->size, &more);
        if (r < 0)
            give_up(history, r);
    }
    loop_timer_arm(history->expire_timer, clock_mono_ms() + (more ? EXPIRE_SOON_MS : EXPIRE_MS));
}

static void on_status(void *arg, struct buf *json)
{
    const struct history *history = arg;

    buf_printf(json, "\"events\":%llu,", (unsigned long long)history->n_events);
    if (history->n_lost)
        buf_printf(json, "\"not_written\":%llu,", (unsigned long long)history->n_lost);
    if (history->n_bad)
        buf_printf(json, "\"not_understood\":%llu,", (unsigned long long)history->n_bad);
}

static uint64_t file_size(const char *path, const char *tail)
{
    char whole[PATH_MAX + 8];
    struct stat stat_of;

    snprintf(whole, sizeof(whole), "%s%s", path, tail);
    return stat(whole, &stat_of) == 0 ? (uint64_t)stat_of.st_size : 0;
}

static void on_metrics(void *arg, struct exposition *exposition)
{
    const struct history *history = arg;

    exposition_counter(exposition, "nuncio_history_events_total",
                       "Events that were written for nuncio why.", NULL, history->n_kept);
    exposition_counter(exposition, "nuncio_history_events_lost_total",
                       "Events that the file did not take.", NULL, history->n_lost);
    exposition_gauge(exposition, "nuncio_history_bytes", "Size of the history on disk.", NULL,
                     file_size(history->path, "") + file_size(history->path, "-wal"));
}

/* Ends when all that the others told before they ended has been read. */
static void check_stop(struct history *history)
{
    for (enum role peer = 0; peer < ROLE_COUNT; peer++) {
        if (history->role->peers[peer] >= 0)
            return;
    }
    loop_stop(history->role->loop);
}

static void on_peer_down(void *arg, enum role peer)
{
    struct history *history = arg;

    if (peer == ROLE_RELAY)
        dmarc_counting_relay_lost(history->dmarc);
    if (history->stopping)
        check_stop(history);
}

static void on_stop_time(void *arg)
{
    struct history *history = arg;

    loop_stop(history->role->loop);
}

static void on_stop(void *arg)
{
    struct history *history = arg;

    history->stopping = true;
    loop_timer_arm(history->stop_timer, clock_mono_ms() + STOP_MS);
    check_stop(history);
}

static void history_init(struct history *history, struct role_context *role)
{
    *history = (struct history){.role = role};
    arena_init(&history->arena);
    snprintf(history->path, sizeof(history->path), "%.*s/" ARCHIVE_FILE,
             SLICE_ARG(role->config->state));
    snprintf(history->damaged, sizeof(history->damaged), "%.*s/" ARCHIVE_DAMAGED,
             SLICE_ARG(role->config->state));
    snprintf(history->tls_reports, sizeof(history->tls_reports), "%.*s/" TLS_REPORTS_FILE,
             SLICE_ARG(role->config->state));
    snprintf(history->dmarc_reports, sizeof(history->dmarc_reports), "%.*s/" DMARC_REPORTS_FILE,
             SLICE_ARG(role->config->state));
    history->dmarc = dmarc_counting_new(role);
    history->commit_timer = loop_timer(role->loop, on_commit_time, history);
    history->expire_timer = loop_timer(role->loop, on_expire_time, history);
    history->stop_timer = loop_timer(role->loop, on_stop_time, history);
}

static void history_done(struct history *history)
{
    take_own(history);
    commit(history);
    archive_close(history->archive);
    dmarc_counting_free(history->dmarc);
    loop_timer_free(history->commit_timer);
    loop_timer_free(history->expire_timer);
    loop_timer_free(history->stop_timer);
    arena_done(&history->arena);
}

int history_main(struct role_context *role)
{
    static struct history history;
    static const struct role_handlers handlers = {.message = on_message,
                                                  .peer_down = on_peer_down,
                                                  .status = on_status,
                                                  .metrics = on_metrics,
                                                  .stop = on_stop,
                                                  .arg = &history};
    int r;

    if (setpriority(PRIO_PROCESS, 0, NICEST) < 0)
        log_warn(NULL, "nice-refused", LOG_ERRNO(errno));
    r = role->lock_in(role);
    if (r < 0)
        return r;
    history_init(&history, role);
    open_archive(&history);
    loop_timer_arm(history.expire_timer, clock_mono_ms() + EXPIRE_MS);
    r = role_run(role, &handlers);
    history_done(&history);
    return r;
}
