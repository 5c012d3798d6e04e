/*
 * The program role. See program.h.
 *
 * What it is told from outside is a name and addresses. The name only selects a section of the
 * configuration; the addresses only become environment variables and two header fields.
 *
 * When local is restarted, its requests are counted anew, so what is still running for the old one
 * is left to end in peace and not answered.
 */
#include "local/program.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "local/execution.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include <utlist.h>

enum { WHY_MAX = 512, STOP_MS = 3000 };

struct running {
    struct running *prev, *next;
    struct programs *programs;
    struct execution *execution;
    uint64_t epoch;
};

struct programs {
    struct role_context *role;
    struct running *running;
    unsigned n_running;
    uint64_t epoch; /* counts the lives of local */
    uint64_t n_started, n_timed_out;
    bool stopping;
    struct loop_timer *stop_timer;
};

static void answer(struct programs *programs, const struct msg_ran *ran)
{
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_ran_encode(&out, ran);
    r = role_send(programs->role, ROLE_LOCAL, MSG_RAN, buf_slice(&out), NULL, 0);
    /* Local gives the run up after its own deadline, and queue tries again. */
    if (r < 0 && r != -ENOTCONN)
        log_error(NULL, "answer-lost", LOG_ERRNO(r));
    buf_done(&out);
}

static void refuse(struct programs *programs, const struct msg_run *run, struct slice why)
{
    const struct msg_ran ran = {.request = run->request, .text = why};

    log_warn(NULL, "not-started", LOG_SLICE("program", run->name), LOG_SLICE("reason", why));
    answer(programs, &ran);
}

static void on_end(void *arg, struct execution *execution, const struct msg_ran *ran)
{
    struct running *running = arg;
    struct programs *programs = running->programs;

    programs->n_timed_out += ran->timed_out;
    if (running->epoch == programs->epoch)
        answer(programs, ran);
    DL_DELETE(programs->running, running);
    programs->n_running--;
    execution_free(execution);
    free(running);
    if (programs->stopping && !programs->running)
        loop_stop(programs->role->loop);
}

/* Takes text_fd over. 0 or -errno with the reason. */
static int start(struct programs *programs, const struct msg_run *run, int text_fd,
                 struct buf *why_not)
{
    const struct config_program *program = config_find_program(programs->role->config, run->name);
    struct running *running = xcalloc(1, sizeof(*running));
    struct spawn_user user;
    struct execution_options options = {.loop = programs->role->loop,
                                        .user = &user,
                                        .run = run,
                                        .text_fd = text_fd,
                                        .on_end = on_end,
                                        .arg = running};
    int r = -EPERM;

    running->programs = programs;
    running->epoch = programs->epoch;
    if (!program) {
        buf_add_cstr(why_not, "the configuration has no program of this name");
        close(text_fd);
    } else if (!spawn_find_user(program->user, &user, why_not)) {
        close(text_fd);
    } else {
        options.argv = program->argv;
        options.argc = program->argc;
        options.timeout_ms = program->timeout_ms;
        r = execution_start(&options, &running->execution);
        if (r < 0)
            buf_add_cstr(why_not, log_strerror(r));
    }
    if (r < 0) {
        free(running);
        return r;
    }
    DL_APPEND(programs->running, running);
    programs->n_running++;
    programs->n_started++;
    return 0;
}

static void take_run(struct programs *programs, struct channel_message *message)
{
    struct msg_run run;
    struct buf why_not;

    if (message->n_fds != 1 || msg_run_decode(message->payload, NULL, &run) < 0) {
        log_error(NULL, "bad-run", LOG_STR("from", "local"));
        return;
    }
    if (programs->n_running >= PROGRAMS_MAX || programs->stopping) {
        refuse(programs, &run, SLICE("too many programs are running"));
        return;
    }
    buf_init(&why_not, WHY_MAX);
    message->n_fds = 0;
    if (start(programs, &run, message->fds[0], &why_not) < 0)
        refuse(programs, &run, buf_slice(&why_not));
    buf_done(&why_not);
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    if (from == ROLE_LOCAL && message->type == MSG_RUN)
        take_run(arg, message);
    channel_message_close_fds(message);
}

static void on_peer_up(void *arg, enum role peer)
{
    struct programs *programs = arg;

    if (peer == ROLE_LOCAL)
        programs->epoch++;
}

static void on_status(void *arg, struct buf *json)
{
    const struct programs *programs = arg;

    buf_printf(json, "\"running\":%u,\"started\":%llu,\"timed_out\":%llu,", programs->n_running,
               (unsigned long long)programs->n_started, (unsigned long long)programs->n_timed_out);
}

static void on_stop_time(void *arg)
{
    struct programs *programs = arg;

    loop_stop(programs->role->loop);
}

static void on_stop(void *arg)
{
    struct programs *programs = arg;
    struct running *running;

    if (!programs->running)
        loop_stop(programs->role->loop);
    programs->stopping = true;
    DL_FOREACH(programs->running, running)
    execution_stop(running->execution);
    loop_timer_arm(programs->stop_timer, clock_mono_ms() + STOP_MS);
}

static void free_running(struct programs *programs)
{
    struct running *running, *next;

    DL_FOREACH_SAFE(programs->running, running, next)
    {
        execution_free(running->execution);
        free(running);
    }
}

int program_main(struct role_context *role)
{
    struct programs programs = {.role = role};
    const struct role_handlers handlers = {.message = on_message,
                                           .peer_up = on_peer_up,
                                           .status = on_status,
                                           .stop = on_stop,
                                           .arg = &programs};
    int r = role->lock_in(role);

    if (r < 0)
        return r;
    (void)signal(SIGPIPE, SIG_IGN);
    programs.stop_timer = loop_timer(role->loop, on_stop_time, &programs);
    r = role_run(role, &handlers);
    free_running(&programs);
    loop_timer_free(programs.stop_timer);
    return r;
}
