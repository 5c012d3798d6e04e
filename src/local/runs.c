/*
 * Programs, seen from local. See runs.h.
 *
 * The program role keeps a program's time limit; here a run has a deadline a little behind it, so
 * that no delivery hangs on a role that does not answer.
 */
#include "local/runs.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "local/program.h"
#include "local/text.h"

#include <errno.h>
#include <utlist.h>

enum { GRACE_MS = 60 * 1000, TICK_MS = 5000 };

struct run {
    struct run *prev, *next;
    uint64_t request;
    uint64_t deadline_ms; /* monotonic; 0: not asked yet */
    struct delivery *delivery;
    uint32_t recipient;
};

struct runs {
    struct role_context *role;
    void (*on_done)(void *arg, struct delivery *delivery);
    void *arg;
    struct loop_timer *timer;
    uint64_t last_request;
    char *chunk;
    struct run *asked, *waiting;
    unsigned n_asked;
    size_t n_waiting;
};

static void tick(void *arg);

struct runs *runs_new(struct role_context *role,
                      void (*on_done)(void *arg, struct delivery *delivery), void *arg)
{
    struct runs *runs = xcalloc(1, sizeof(*runs));

    *runs = (struct runs){.role = role, .on_done = on_done, .arg = arg};
    runs->timer = loop_timer(role->loop, tick, runs);
    runs->chunk = xmalloc(TEXT_CHUNK);
    return runs;
}

static void settle(struct runs *runs, struct run *run)
{
    struct delivery *delivery = run->delivery;

    free(run);
    if (--delivery->n_open == 0)
        runs->on_done(runs->arg, delivery);
}

static void free_list(struct run *list)
{
    struct run *run, *next;

    DL_FOREACH_SAFE(list, run, next)
    {
        /* The last run of a delivery takes it along. */
        if (--run->delivery->n_open == 0)
            delivery_free(run->delivery);
        free(run);
    }
}

void runs_free(struct runs *runs)
{
    free_list(runs->asked);
    free_list(runs->waiting);
    loop_timer_free(runs->timer);
    free(runs->chunk);
    free(runs);
}

static void conclude(struct runs *runs, struct run *run, const struct msg_ran *ran)
{
    DL_DELETE(runs->asked, run);
    runs->n_asked--;
    verdict_from_run(&run->delivery->verdicts[run->recipient], run->delivery->unit.name, ran);
    settle(runs, run);
}

static int ask(struct runs *runs, const struct run *run)
{
    const struct msg_unit *unit = &run->delivery->unit;
    const struct msg_run message = {.request = run->request,
                                    .name = unit->name,
                                    .text_offset = unit->text_offset,
                                    .text_length = unit->text_length,
                                    .sender = unit->reverse_path,
                                    .recipient = unit->recipients[run->recipient].address,
                                    .message_id = unit->message_id};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_run_encode(&out, &message);
    r = out.overflow
            ? -EMSGSIZE
            : role_send(runs->role, ROLE_PROGRAM, MSG_RUN, buf_slice(&out), &run->delivery->fd, 1);
    buf_done(&out);
    return r;
}

static uint64_t deadline_for(const struct runs *runs, struct slice name)
{
    const struct config_program *program = config_find_program(runs->role->config, name);

    return clock_mono_ms() + (program ? program->timeout_ms : 0) + GRACE_MS;
}

static void start_next(struct runs *runs)
{
    while (runs->waiting && runs->n_asked < PROGRAMS_MAX) {
        struct run *run = runs->waiting;
        int r;
        DL_DELETE(runs->waiting, run);
        runs->n_waiting--;
        DL_APPEND(runs->asked, run);
        runs->n_asked++;
        run->request = ++runs->last_request;
        run->deadline_ms = deadline_for(runs, run->delivery->unit.name);
        r = ask(runs, run);
        if (r < 0) {
            const struct msg_ran failed = {.text = slice_from_cstr(log_strerror(r))};
            conclude(runs, run, &failed);
        }
    }
    if (runs->asked)
        loop_timer_arm(runs->timer, clock_mono_ms() + TICK_MS);
}

static void fail_until(struct runs *runs, uint64_t deadline_ms, struct slice why)
{
    const struct msg_ran failed = {.text = why};
    struct run *run, *next;

    DL_FOREACH_SAFE(runs->asked, run, next)
    {
        if (run->deadline_ms <= deadline_ms)
            conclude(runs, run, &failed);
    }
}

static void tick(void *arg)
{
    struct runs *runs = arg;

    fail_until(runs, clock_mono_ms(), SLICE("the program role does not answer"));
    start_next(runs);
}

/* A program may send the message on and get it back: the text tells, as it does for mailboxes. */
static void check_loops(struct runs *runs, struct delivery *delivery)
{
    const struct msg_unit *unit = &delivery->unit;
    struct text_reader reader = {
        .fd = delivery->fd, .offset = unit->text_offset, .left = unit->text_length};
    ssize_t got = text_read(&reader, runs->chunk);

    for (uint32_t i = 0; i < unit->n_recipients; i++) {
        struct slice address = unit->recipients[i].address;
        struct verdict *verdict = &delivery->verdicts[i];
        if (got < 0)
            verdict_from_errno(verdict, (int)-got, SLICE("text in the spool"));
        else if (text_was_delivered_to(slice_from(runs->chunk, (size_t)got), address))
            verdict_set(verdict, DONE_NEVER, "5.4.6", "loop: delivered to %.*s before",
                        SLICE_ARG(address));
        delivery->n_open -= verdict->kind != 0;
    }
}

void runs_add(struct runs *runs, struct delivery *delivery)
{
    uint32_t n_recipients = delivery->unit.n_recipients;

    check_loops(runs, delivery);
    if (delivery->n_open == 0) {
        runs->on_done(runs->arg, delivery);
        return;
    }
    for (uint32_t i = 0; i < n_recipients; i++) {
        struct run *run;
        if (delivery->verdicts[i].kind)
            continue;
        run = xcalloc(1, sizeof(*run));
        run->delivery = delivery;
        run->recipient = i;
        DL_APPEND(runs->waiting, run);
        runs->n_waiting++;
    }
    start_next(runs);
}

void runs_answer(struct runs *runs, struct slice payload)
{
    struct msg_ran ran;
    struct run *run, *next;

    if (msg_ran_decode(payload, NULL, &ran) < 0)
        return;
    DL_FOREACH_SAFE(runs->asked, run, next)
    {
        if (run->request == ran.request) {
            conclude(runs, run, &ran);
            break;
        }
    }
    start_next(runs);
}

void runs_lost(struct runs *runs)
{
    fail_until(runs, UINT64_MAX, SLICE("the program role was restarted"));
    start_next(runs);
}

size_t runs_count(const struct runs *runs)
{
    return runs->n_asked + runs->n_waiting;
}
