/*
 * See dmarc_counting.h. A file that does not take rows loses them, which is told now and then: they
 * are statistics, and mail does not wait for them.
 *
 * Not counted: reports themselves when they pass, of DMARC or TLS, or two servers that report to
 * each other would do so for ever about nothing but that; and what comes while reports are switched
 * off.
 */
#include "history/dmarc_counting.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "history/dmarc_rows.h"
#include "history/dmarc_sending.h"

#include <limits.h>

enum { COMMIT_MS = 200, TICK_MS = 1000, OPEN_AGAIN_MS = 5000, COMPLAIN_MS = 60 * 1000 };

struct dmarc_counting {
    struct role_context *role;
    struct dmarc_rows *rows; /* NULL: cannot be opened now */
    struct dmarc_sending *sending;
    struct loop_timer *commit_timer, *tick_timer;
    struct arena arena;
    char path[PATH_MAX];
    bool writing; /* a transaction is open */
    uint64_t n_batch, n_lost;
    uint64_t open_again_ms, complain_ms;
};

static void give_up(struct dmarc_counting *counting, int error)
{
    uint64_t now = clock_mono_ms();

    counting->n_lost += counting->n_batch;
    counting->n_batch = 0;
    counting->writing = false;
    dmarc_rows_rollback(counting->rows);
    dmarc_rows_close(counting->rows);
    counting->rows = NULL;
    counting->open_again_ms = now + OPEN_AGAIN_MS;
    if (now < counting->complain_ms)
        return;
    counting->complain_ms = now + COMPLAIN_MS;
    log_error(NULL, "dmarc-rows-not-kept", LOG_ERRNO(error), LOG_STR("path", counting->path),
              LOG_INT("lost", counting->n_lost));
}

static bool is_open(struct dmarc_counting *counting)
{
    int r;

    if (counting->rows)
        return true;
    if (clock_mono_ms() < counting->open_again_ms)
        return false;
    r = dmarc_rows_open(counting->path, &counting->rows);
    if (r == 0)
        return true;
    counting->rows = NULL;
    give_up(counting, r);
    return false;
}

static void commit(struct dmarc_counting *counting)
{
    int r;

    if (!counting->writing)
        return;
    r = dmarc_rows_commit(counting->rows);
    if (r < 0) {
        give_up(counting, r);
        return;
    }
    counting->writing = false;
    counting->n_batch = 0;
}

static bool begin(struct dmarc_counting *counting)
{
    int r;

    if (counting->writing)
        return true;
    if (!is_open(counting))
        return false;
    r = dmarc_rows_begin(counting->rows);
    if (r < 0) {
        give_up(counting, r);
        return false;
    }
    counting->writing = true;
    loop_timer_arm(counting->commit_timer, clock_mono_ms() + COMMIT_MS);
    return true;
}

static void on_commit_time(void *arg)
{
    commit(arg);
}

static void on_tick(void *arg)
{
    struct dmarc_counting *counting = arg;

    loop_timer_arm(counting->tick_timer, clock_mono_ms() + TICK_MS);
    if (!counting->role->config->dmarc_report.send)
        return;
    commit(counting);
    if (is_open(counting))
        dmarc_sending_tick(counting->sending, counting->rows);
}

struct dmarc_counting *dmarc_counting_new(struct role_context *role)
{
    struct dmarc_counting *counting = xcalloc(1, sizeof(*counting));

    counting->role = role;
    counting->sending = dmarc_sending_new(role);
    arena_init(&counting->arena);
    snprintf(counting->path, sizeof(counting->path), "%.*s/" DMARC_ROWS_FILE,
             SLICE_ARG(role->config->state));
    counting->commit_timer = loop_timer(role->loop, on_commit_time, counting);
    counting->tick_timer = loop_timer(role->loop, on_tick, counting);
    loop_timer_arm(counting->tick_timer, clock_mono_ms() + TICK_MS);
    (void)is_open(counting);
    return counting;
}

void dmarc_counting_free(struct dmarc_counting *counting)
{
    if (!counting)
        return;
    commit(counting);
    dmarc_rows_close(counting->rows);
    dmarc_sending_free(counting->sending);
    loop_timer_free(counting->commit_timer);
    loop_timer_free(counting->tick_timer);
    arena_done(&counting->arena);
    free(counting);
}

static bool is_wanted(const struct dmarc_counting *counting, const struct msg_dmarc_row *row)
{
    return counting->role->config->dmarc_report.send &&
           !(row->is_report && (row->dkim_pass || row->spf_pass));
}

void dmarc_counting_take(struct dmarc_counting *counting, struct slice payload)
{
    struct msg_dmarc_row row;
    int r;

    arena_reset(&counting->arena);
    if (msg_dmarc_row_decode(payload, &counting->arena, &row) < 0) {
        log_error(NULL, "bad-dmarc-row", LOG_INT("bytes", payload.len));
        return;
    }
    if (!is_wanted(counting, &row))
        return;
    if (!begin(counting)) {
        counting->n_lost++;
        return;
    }
    counting->n_batch++;
    r = dmarc_rows_add(counting->rows, &row);
    if (r < 0)
        give_up(counting, r);
}

void dmarc_counting_answered(struct dmarc_counting *counting, struct slice payload)
{
    commit(counting);
    dmarc_sending_answered(counting->sending, counting->rows, payload);
}

void dmarc_counting_relay_lost(struct dmarc_counting *counting)
{
    commit(counting);
    dmarc_sending_lost(counting->sending, counting->rows);
}
