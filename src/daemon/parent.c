/*
 * The parent: everything that needs root, and nothing that touches mail.
 *
 * Start: configuration, users, state folder, lock, ports, control socket, roles; each failure is
 * told in full and nothing is left running. Then a loop over signals and the roles' channels.
 * SIGTERM, SIGINT: an orderly stop, and after STOP_DEADLINE_MS a kill. SIGHUP: reload. The parent
 * reads no byte from the network, parses nothing that a role wrote but the fixed messages of
 * io/message.h, and opens no file of the state but its lock and, in a process aside, the
 * certificate that it made itself.
 */
#include "daemon/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/notify.h"
#include "io/tap.h"
#include "daemon/state.h"
#include "spool/spool.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { STOP_DEADLINE_MS = 10 * 1000, LOCK_WAIT_MS = 2000, CONTROL_MODE = 0666 };

/* ---- signals and messages ------------------------------------------------------------------ */

static void on_stop_late(void *arg)
{
    log_error(NULL, "stop-late", LOG_STR("now", "killing what is left"));
    children_kill_all(arg);
}

void parent_stop(struct parent *parent, int exit_code)
{
    if (parent->stopping)
        return;
    parent->stopping = true;
    parent->exit_code = exit_code;
    log_info(NULL, "stopping", LOG_INT("exit", exit_code));
    notify_send("STOPPING=1");
    loop_timer_arm(parent->stop_timer, clock_mono_ms() + STOP_DEADLINE_MS);
    children_stop_begin(parent);
}

static void on_signal(void *arg, unsigned ready)
{
    struct parent *parent = arg;
    struct signalfd_siginfo info;

    (void)ready;
    while (read(parent->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            children_reap(parent);
        else if (info.ssi_signo == SIGHUP)
            admin_reload(parent);
        else
            parent_stop(parent, EX_OK);
    }
}

static void on_ready_message(struct child *child, struct slice payload)
{
    struct parent *parent = child->parent;
    struct msg_ready ready;

    if (msg_ready_decode(payload, NULL, &ready) < 0 || child->ready)
        return;
    buf_reset(&child->report);
    buf_add_slice(&child->report, ready.report);
    child->ready = true;
    log_info(NULL, "role-ready", LOG_STR("name", role_name(child->entry->role)),
             LOG_INT("pid", child->pid));
    if (!parent->ready && children_all_ready(parent))
        parent_on_ready(parent);
}

void parent_on_message(struct child *child, struct channel_message *message)
{
    struct msg_text text;
    struct msg_config_taken taken;
    struct msg_admin request;

    switch (message->type) {
    case MSG_READY:
        on_ready_message(child, message->payload);
        break;
    case MSG_STATUS:
        if (msg_text_decode(message->payload, NULL, &text) == 0)
            admin_on_status(child, text.text);
        break;
    case MSG_METRICS:
        if (msg_text_decode(message->payload, NULL, &text) == 0)
            metrics_on_answer(child, text.text);
        break;
    case MSG_CONFIG_TAKEN:
        if (msg_config_taken_decode(message->payload, NULL, &taken) == 0)
            admin_on_config_taken(child, &taken);
        break;
    case MSG_ADMIN:
        if (msg_admin_decode(message->payload, NULL, &request) == 0 &&
            child->entry->role == (request.command == ADMIN_METRICS ? ROLE_WEB : ROLE_QUEUE))
            admin_on_request(child->parent, &request);
        break;
    }
}

/* What the kernel does not give is said once, not for every role. */
static void warn_of_lacks(const struct parent *parent)
{
    static const char *const lacks[] = {"landlock absent", "seccomp absent", "seccomp off"};

    for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
        for (enum role role = 0; role < ROLE_COUNT; role++) {
            const struct buf *report = &parent->children[role].report;
            if (!report->len || !memmem(report->ptr, report->len, lacks[i], strlen(lacks[i])))
                continue;
            log_warn(NULL, "protection-missing", LOG_STR("what", lacks[i]));
            break;
        }
    }
}

void parent_on_ready(struct parent *parent)
{
    parent->ready = true;
    warn_of_lacks(parent);
    log_info(NULL, "ready", LOG_STR("version", NUNCIO_VERSION), LOG_STR("state", parent->state),
             LOG_INT("pid", getpid()));
    notify_send("READY=1\nSTATUS=serving");
    if (parent->options->on_ready)
        parent->options->on_ready(parent->options->arg, parent->config);
}

/* ---- start and end ------------------------------------------------------------------------- */

static int open_control(struct parent *parent, struct problem_list *problems)
{
    char path[PATH_MAX];

    if (!state_path(path, parent->state, "run/control.sock"))
        return -ENAMETOOLONG;
    /* Anyone may connect; queue looks at who it is before it answers. */
    parent->control = listeners_bind_unix(path, CONTROL_MODE);
    if (parent->control < 0)
        problem_add(problems, SLICE_NULL, 0, "%s: %s", path, strerror(-parent->control));
    return parent->control < 0 ? parent->control : 0;
}

static void tell_warning(void *arg, struct slice line)
{
    (void)arg;
    log_warn(NULL, "state-at-risk", LOG_SLICE("text", line));
}

/* Each folder may be a mount of its own. */
static void warn_of_filesystem(const char *state)
{
    static const char *const folders[] = {"spool/receive", "spool/queue"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (state_path(path, state, folders[i]))
            (void)spool_check_filesystem(path, tell_warning, NULL);
    }
}

/* 0 or an exit code; the problems say what is wrong. */
static int prepare(struct parent *parent, struct problem_list *problems)
{
    bool separate = geteuid() == 0 && !parent->options->as_caller;
    struct config_bundle bundle;

    if (reload_read(parent->options->config_path, &bundle, &parent->config, problems) < 0)
        return EX_CONFIG;
    config_bundle_done(&bundle);
    parent->first_config = config_ref(parent->config);
    parent->state = xslicedup(parent->config->state);
    log_set_level((enum log_level)parent->config->log_level,
                  (enum log_format)parent->config->log_format);
    if (identities_find(separate, &parent->identities, problems) < 0)
        return EX_NOUSER;
    identities_find_readers(parent->config->control_read_group, &parent->identities);
    if (state_prepare(parent->state, &parent->identities, problems) < 0)
        return EX_CANTCREAT;
    if (state_lock(parent->state, LOCK_WAIT_MS, &parent->lock, problems) < 0)
        return EX_TEMPFAIL;
    if (watch_load(parent, parent->config, problems) < 0)
        return EX_CONFIG;
    warn_of_filesystem(parent->state);
    if (listeners_open(parent->config, &parent->listeners, problems) < 0)
        return EX_UNAVAILABLE;
    return open_control(parent, problems) < 0 ? EX_CANTCREAT : 0;
}

static int open_signals(struct parent *parent)
{
    sigset_t wanted;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &wanted, NULL) < 0)
        return -errno;
    parent->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (parent->signals < 0)
        return -errno;
    return loop_watch(parent->loop, parent->signals, LOOP_READ, on_signal, parent) ? 0 : -EIO;
}

static void tell(struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem; problem = problem->next)
        fprintf(stderr, "nuncio: %.*s\n", SLICE_ARG(problem_line(problems, problem)));
    if (problems->count > PROBLEMS_MAX)
        fprintf(stderr, "nuncio: and %u more\n", problems->count - PROBLEMS_MAX);
}

/* Our own events go to history as those of the roles do. */
static int send_events(void *arg, struct slice lines)
{
    struct parent *parent = arg;
    int channel = parent->children[ROLE_HISTORY].channel;

    return channel < 0 ? -ENOTCONN : channel_send(channel, MSG_EVENTS, lines, NULL, 0);
}

static int run(struct parent *parent)
{
    int r;

    parent->loop = loop_new();
    if (!parent->loop || open_signals(parent) < 0 || tap_open() < 0) {
        fprintf(stderr, "nuncio: %s\n", strerror(errno));
        return EX_OSERR;
    }
    parent->stop_timer = loop_timer(parent->loop, on_stop_late, parent);
    tap_enable(parent->config->history.keep);
    teller_init(&parent->teller, parent->loop, send_events, parent);
    children_init(parent);
    admin_init(parent);
    metrics_init(parent);
    watch_init(parent);
    children_start(parent);
    r = loop_run(parent->loop);
    if (r < 0)
        log_error(NULL, "loop-failed", LOG_ERRNO(r));
    log_info(NULL, "stopped", LOG_INT("exit", parent->exit_code));
    teller_finish(&parent->teller);
    admin_done(parent);
    metrics_done(parent);
    children_done(parent);
    loop_timer_free(parent->stop_timer);
    return r < 0 ? EX_OSERR : parent->exit_code;
}

static void close_all(struct parent *parent)
{
    const int fds[] = {parent->control, parent->signals, parent->lock};
    char path[PATH_MAX];

    if (parent->control >= 0 && state_path(path, parent->state, "run/control.sock"))
        unlink(path);
    watch_done(parent);
    if (parent->loop)
        loop_free(parent->loop);
    listeners_close(&parent->listeners);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    config_unref(parent->config);
    config_unref(parent->first_config);
    free(parent->state);
}

int daemon_serve(const struct daemon_options *options)
{
    struct parent parent = {.options = options, .control = -1, .lock = -1, .signals = -1};
    struct problem_list problems;
    int code;

    certificates_init(&parent.watch.certificates);
    log_setup("parent", LOG_INFO, LOG_LOGFMT, STDERR_FILENO);
    parent.started_ms = clock_mono_ms();
    umask(0022);
    if (!privilege_under_sanitizer())
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    privilege_limits();
    problem_list_init(&problems);
    code = prepare(&parent, &problems);
    tell(&problems);
    problem_list_done(&problems);
    if (code == 0)
        code = run(&parent);
    close_all(&parent);
    return code;
}
