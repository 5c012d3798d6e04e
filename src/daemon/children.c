/*
 * The roles' processes: forking them, giving each its channels, and starting anew what has died.
 *
 * A role is forked, not executed: it inherits the configuration as parsed and the bound sockets,
 * and drops everything else before it runs a line of its own. After a restart it gets fresh
 * channels to its peers, and they to it; what was under way over the old ones is theirs to repeat.
 *
 * Restarts: at once the first time, then after 0.2 s, doubling up to 30 s; a life of a minute
 * clears the record. A role that dies before the server was ever ready ends the server: it could
 * not start, and its last words on standard error say why.
 */
#include "daemon/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/sandbox.h"
#include "daemon/state.h"
#include "io/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    DELAY_FIRST_MS = 200,
    DELAY_MAX_MS = 30 * 1000,
    GOOD_LIFE_MS = 60 * 1000,
    SEND_TIMEOUT_MS = 1000,
    REPORT_MAX = 8 * 1024,
    STATUS_MAX = 16 * 1024,
};

static void on_child(void *arg, unsigned ready);
static void spawn(struct child *child);

static void on_restart_due(void *arg)
{
    struct child *child = arg;

    child->waiting = false;
    spawn(child);
}

void children_init(struct parent *parent)
{
    const struct role_table *table = parent->options->roles;

    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        *child = (struct child){.parent = parent, .channel = -1};
        child->again = loop_timer(parent->loop, on_restart_due, child);
        buf_init(&child->report, REPORT_MAX);
        buf_init(&child->status, STATUS_MAX);
    }
    for (size_t i = 0; i < table->n_entries; i++)
        parent->children[table->entries[i].role].entry = &table->entries[i];
}

static void close_channel(struct child *child)
{
    loop_unwatch(child->watch);
    child->watch = NULL;
    if (child->channel >= 0)
        close(child->channel);
    child->channel = -1;
}

void children_done(struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        close_channel(child);
        loop_timer_free(child->again);
        buf_done(&child->report);
        buf_done(&child->status);
    }
}

/* ---- in the new process -------------------------------------------------------------------- */

static void keep_only_own(struct parent *parent, enum role role, int channel)
{
    struct listeners *listeners = &parent->listeners;
    unsigned n = 0;
    int *keep = xcalloc(listeners->count + 4, sizeof(*keep));
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null >= 0)
        dup2(null, STDIN_FILENO);
    keep[n++] = channel;
    keep[n++] = parent->lock;
    if (role == ROLE_QUEUE)
        keep[n++] = parent->control;
    for (unsigned i = 0; role == ROLE_RECEIVE && i < listeners->count; i++)
        keep[n++] = listeners->fds[i];
    privilege_close_others(keep, n);
    free(keep);
}

static void reset_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* The terminal's Ctrl-C is for the parent, which stops the roles in their order; and so are the
     * signals of a supervisor that stops all processes at once. */
    setsid();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static int become(struct parent *parent, enum role role, pid_t parent_pid)
{
    struct problem_list problems;
    int r = privilege_drop(&parent->identities, role);

    if (r == 0)
        r = privilege_die_with_parent(parent_pid);
    if (r < 0) {
        log_error(NULL, "privilege-drop-failed", LOG_ERRNO(r));
        return r;
    }
    problem_list_init(&problems);
    r = state_check_reach(parent->state, role, &problems);
    for (const struct problem *problem = problems.first; problem; problem = problem->next)
        fprintf(stderr, "nuncio: %.*s\n", SLICE_ARG(problem_line(&problems, problem)));
    problem_list_done(&problems);
    return r;
}

static int run_role(struct child *child, int channel, pid_t parent_pid)
{
    struct parent *parent = child->parent;
    enum role self = child->entry->role;
    struct role_context role = {
        .self = self,
        .config = config_ref(parent->config),
        .parent = channel,
        .listeners = parent->listeners.fds,
        .n_listeners = self == ROLE_RECEIVE ? parent->listeners.count : 0,
        .control = self == ROLE_QUEUE ? parent->control : -1,
        .lock_in = sandbox_lock_in,
    };
    char name[16];
    int r;

    log_setup(role_name(self), (enum log_level)role.config->log_level,
              (enum log_format)role.config->log_format, STDERR_FILENO);
    snprintf(name, sizeof(name), "nuncio-%s", role_name(self));
    prctl(PR_SET_NAME, name, 0, 0, 0);
    tap_enable(false); /* the ring that we inherited has the parent's lines */
    reset_signals();
    keep_only_own(parent, self, channel);
    if (become(parent, self, parent_pid) < 0)
        return EX_NOPERM;
    for (enum role peer = 0; peer < ROLE_COUNT; peer++)
        role.peers[peer] = -1;
    role.loop = loop_new();
    if (!role.loop || tap_open() < 0)
        return EX_OSERR;
    r = child->entry->run(&role);
    loop_free(role.loop);
    config_unref(role.config);
    return r < 0 ? EX_OSERR : r;
}

/* ---- in the parent ------------------------------------------------------------------------- */

static void kill_child(struct child *child)
{
    if (child->pid > 0 && !child->killed)
        kill(child->pid, SIGKILL);
    child->killed = true;
}

void child_send(struct child *child, uint16_t type, struct slice payload, int fd)
{
    int r;

    if (child->channel < 0)
        return;
    r = channel_send_wait(child->channel, type, payload, &fd, fd < 0 ? 0 : 1, SEND_TIMEOUT_MS);
    if (r < 0 && r != -EPIPE) {
        log_error(NULL, "role-stuck", LOG_STR("name", role_name(child->entry->role)), LOG_ERRNO(r));
        kill_child(child);
    }
}

static void introduce(struct child *to, enum role peer, int fd)
{
    struct msg_peer message = {.role = peer};
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_peer_encode(&out, &message);
    child_send(to, MSG_PEER, buf_slice(&out), fd);
    buf_done(&out);
}

static void link_peers(struct child *child)
{
    const struct role_table *table = child->parent->options->roles;
    enum role self = child->entry->role;

    for (size_t i = 0; i < table->n_links; i++) {
        const struct role_link *link = &table->links[i];
        enum role other = link->a == self ? link->b : link->a;
        struct child *peer = &child->parent->children[other];
        int fds[2];
        if ((link->a != self && link->b != self) || peer->channel < 0)
            continue;
        if (channel_pair(fds) < 0) {
            log_error(NULL, "no-channel", LOG_ERRNO(errno));
            continue;
        }
        introduce(child, other, fds[0]);
        introduce(peer, self, fds[1]);
        close(fds[0]);
        close(fds[1]);
    }
}

static void restart_later(struct child *child)
{
    child->waiting = true;
    loop_timer_arm(child->again, clock_mono_ms() + child->delay_ms);
    child->delay_ms = child->delay_ms == 0                 ? DELAY_FIRST_MS
                      : child->delay_ms > DELAY_MAX_MS / 2 ? DELAY_MAX_MS
                                                           : child->delay_ms * 2;
}

/* Forks; the channel's other end in *ret_channel. The child does not return from here. */
static int fork_role(struct child *child, int *ret_channel)
{
    pid_t parent_pid = getpid();
    int fds[2];
    int r = channel_pair(fds);

    if (r < 0)
        return r;
    fflush(NULL); /* or both of us would write what is buffered */
    child->pid = fork();
    if (child->pid == 0)
        exit(run_role(child, fds[1], parent_pid));
    r = child->pid < 0 ? -errno : 0;
    close(fds[1]);
    if (r < 0) {
        close(fds[0]);
        child->pid = 0;
        return r;
    }
    *ret_channel = fds[0];
    return 0;
}

static bool is_wanted(const struct child *child)
{
    return child->entry &&
           (!child->entry->is_wanted || child->entry->is_wanted(child->parent->config));
}

static void spawn(struct child *child)
{
    int r;

    if (child->parent->stopping || !is_wanted(child))
        return;
    child->ready = child->killed = false;
    child->started_ms = clock_mono_ms();
    r = fork_role(child, &child->channel);
    if (r < 0) {
        log_error(NULL, "role-not-started", LOG_STR("name", role_name(child->entry->role)),
                  LOG_ERRNO(r));
        restart_later(child);
        return;
    }
    child->watch = loop_watch(child->parent->loop, child->channel, LOOP_READ, on_child, child);
    if (!child->watch)
        kill_child(child);
    /* Before the first message of a peer, and before the first client. */
    watch_send(child->parent, child->entry->role);
    link_peers(child);
}

void children_start(struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        if (child->pid == 0 && !child->waiting)
            spawn(child);
        else if (child->pid > 0 && !is_wanted(child))
            child_send(child, MSG_STOP, SLICE_NULL, -1);
    }
}

static void on_child(void *arg, unsigned ready)
{
    static char buffer[CHANNEL_PAYLOAD_MAX + 2];
    struct child *child = arg;

    (void)ready;
    while (child->channel >= 0) {
        struct channel_message message;
        int r = channel_receive(child->channel, buffer, sizeof(buffer), &message);
        if (r == -EAGAIN)
            return;
        if (r < 0) { /* it is ending, or it must */
            if (r != -EPIPE)
                kill_child(child);
            close_channel(child);
            return;
        }
        parent_on_message(child, &message);
        channel_message_close_fds(&message);
    }
}

static bool stage_is_empty(const struct parent *parent, unsigned stage)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        const struct child *child = &parent->children[role];
        if (child->pid > 0 && child->entry->stop_stage == stage)
            return false;
    }
    return true;
}

static void stop_roles(struct parent *parent, unsigned stage)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        if (child->pid > 0 && child->entry->stop_stage == stage)
            child_send(child, MSG_STOP, SLICE_NULL, -1);
    }
}

/* MSG_STOP to the next stages while the present one is empty; the loop ends after the last. */
static void stop_next_stages(struct parent *parent)
{
    while (parent->stop_stage < STOP_STAGES && stage_is_empty(parent, parent->stop_stage)) {
        parent->stop_stage++;
        stop_roles(parent, parent->stop_stage);
    }
    if (parent->stop_stage == STOP_STAGES)
        loop_stop(parent->loop);
}

static void log_death(const struct child *child, int status)
{
    const char *name = role_name(child->entry->role);

    if (WIFSIGNALED(status))
        log_error(NULL, "role-died", LOG_STR("name", name), LOG_INT("pid", child->pid),
                  LOG_STR("signal", sigabbrev_np(WTERMSIG(status))));
    else
        log_error(NULL, "role-died", LOG_STR("name", name), LOG_INT("pid", child->pid),
                  LOG_INT("exit", WEXITSTATUS(status)));
}

static void on_death(struct child *child, int status)
{
    struct parent *parent = child->parent;
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool asked_to = parent->stopping || !is_wanted(child);

    if (!asked_to || !clean)
        log_death(child, status);
    on_child(child, 0); /* its last words */
    close_channel(child);
    child->pid = 0;
    child->ready = false;
    admin_on_death(child);
    if (parent->stopping) {
        stop_next_stages(parent);
        return;
    }
    if (!parent->ready) {
        parent_stop(parent, WIFEXITED(status) && !clean ? WEXITSTATUS(status) : EX_SOFTWARE);
        return;
    }
    if (asked_to)
        return;
    child->restarts++;
    if (clock_mono_ms() - child->started_ms >= GOOD_LIFE_MS)
        child->delay_ms = 0;
    restart_later(child);
}

void children_reap(struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        int status;
        if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) == child->pid)
            on_death(child, status);
    }
}

void children_kill_all(struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (parent->children[role].pid > 0)
            kill_child(&parent->children[role]);
    }
}

void children_stop_begin(struct parent *parent)
{
    parent->stop_stage = 0;
    stop_roles(parent, 0);
    stop_next_stages(parent);
}

bool children_all_ready(const struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        const struct child *child = &parent->children[role];
        if (is_wanted(child) && !child->ready)
            return false;
    }
    return true;
}
