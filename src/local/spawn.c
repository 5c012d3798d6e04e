/*
 * Starting programs. See spawn.h.
 *
 * The new process gives up everything before it executes: first the groups and the uid, then the
 * way back (no_new_privs), then every descriptor but the three. It looks whether root is really
 * gone, and ends itself when it is not. It is sent SIGKILL when the role that started it dies, so
 * that a message which is delivered again is never handled by two at a time.
 */
#include "local/spawn.h"

#include "base/arena.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM_PATH "PATH=/usr/local/bin:/usr/bin:/bin"
enum { PASSWD_ROOM = 16 * 1024, OPEN_FILES_MAX = 1024, ENVIRONMENT_MAX = 8 };

/* ---- the user ------------------------------------------------------------------------------- */

static bool take_user(const struct passwd *entry, struct spawn_user *user, struct buf *why_not)
{
    *user = (struct spawn_user){.uid = entry->pw_uid, .gid = entry->pw_gid};
    if ((size_t)snprintf(user->name, sizeof(user->name), "%s", entry->pw_name) <
            sizeof(user->name) &&
        (size_t)snprintf(user->home, sizeof(user->home), "%s", entry->pw_dir) < sizeof(user->home))
        return true;
    buf_printf(why_not, "the name or home of user %s is too long", entry->pw_name);
    return false;
}

static bool find_entry(struct slice name, struct spawn_user *user, struct buf *why_not)
{
    char *copy = xslicedup(name), *room = xmalloc(PASSWD_ROOM);
    struct passwd entry, *found = NULL;
    int r = name.len ? getpwnam_r(copy, &entry, room, PASSWD_ROOM, &found)
                     : getpwuid_r(geteuid(), &entry, room, PASSWD_ROOM, &found);
    bool good = found && take_user(found, user, why_not);

    if (!found && r)
        buf_printf(why_not, "cannot look up user '%s': %s", copy, log_strerror(r));
    else if (!found)
        buf_printf(why_not, "there is no user '%s'", copy);
    free(copy);
    free(room);
    return good;
}

bool spawn_find_user(struct slice name, struct spawn_user *ret_user, struct buf *why_not)
{
    struct spawn_user user;

    if (name.len == 0 && geteuid() == 0) {
        buf_add_cstr(why_not, "it has no user to run as");
        return false;
    }
    if (!find_entry(name, &user, why_not))
        return false;
    if (geteuid() == 0) {
        if (user.uid < SPAWN_UID_MIN || user.gid == 0) {
            buf_printf(why_not, "user %s is root or a system user (uid below %d)", user.name,
                       SPAWN_UID_MIN);
            return false;
        }
    } else if (user.uid != geteuid()) {
        buf_printf(why_not, "the server was not started as root, so it cannot become user %s",
                   user.name);
        return false;
    }
    *ret_user = user;
    return true;
}

/* ---- the new process ------------------------------------------------------------------------ */

static void fail(const char *what)
{
    int error = errno;

    dprintf(2, "%s: %s\n", what, log_strerror(error));
    _exit(EX_TEMPFAIL);
}

static void become(const struct spawn_user *user)
{
    if (geteuid() == 0) {
        if (setgroups(1, &user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
            setresuid(user->uid, user->uid, user->uid) < 0)
            fail("cannot become the program's user");
        if (setuid(0) == 0 || geteuid() != user->uid || getegid() != user->gid)
            _exit(EX_TEMPFAIL);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail("no_new_privs");
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail("parent death signal");
}

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(void)
{
    const struct rlimit no_core = {0, 0}, files = {OPEN_FILES_MAX, OPEN_FILES_MAX};

    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    umask(077);
}

/* Never returns. */
static void run_child(char **argv, char **environment, const struct spawn_user *user,
                      const int fds[3])
{
    reset_signals();
    if (setsid() < 0)
        fail("setsid");
    for (int i = 0; i < 3; i++) {
        if (dup2(fds[i], i) < 0)
            _exit(EX_TEMPFAIL);
    }
    /* By its number: the C library of older systems has no wrapper. */
    if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0)
        fail("close_range");
    limit();
    become(user);
    if (chdir("/") < 0)
        fail("chdir");
    execve(argv[0], argv, environment);
    fail(argv[0]);
}

/* ---- the parent's side ---------------------------------------------------------------------- */

struct pipes {
    int input[2], output[2], errors[2];
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pipes(struct pipes *pipes)
{
    int *all[] = {pipes->input, pipes->output, pipes->errors};

    for (size_t i = 0; i < 3; i++) {
        close_fd(&all[i][0]);
        close_fd(&all[i][1]);
    }
}

/* A pipe with both ends above the standard descriptors, so that dup2() in the child cannot step on
 * one. */
static int open_pipe(int ends[2])
{
    int plain[2];

    if (pipe2(plain, O_CLOEXEC) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(plain[i], F_DUPFD_CLOEXEC, 3);
        close(plain[i]);
    }
    return ends[0] < 0 || ends[1] < 0 ? -EMFILE : 0;
}

static int open_pipes(struct pipes *pipes)
{
    int r;

    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    r = open_pipe(pipes->input);
    if (r == 0)
        r = open_pipe(pipes->output);
    if (r == 0)
        r = open_pipe(pipes->errors);
    if (r < 0)
        close_pipes(pipes);
    return r;
}

static char *variable(struct arena *arena, const char *name, struct slice value)
{
    struct slice text = arena_printf(arena, "%s=%.*s", name, SLICE_ARG(value));

    return arena_cstr(arena, text);
}

static char **make_environment(struct arena *arena, const struct spawn_request *request)
{
    char **environment = arena_alloc(arena, (ENVIRONMENT_MAX + 1) * sizeof(char *));
    struct slice name = slice_from_cstr(request->user->name);
    size_t n = 0;

    environment[n++] = arena_cstr(arena, SLICE(PROGRAM_PATH));
    environment[n++] = variable(arena, "HOME", slice_from_cstr(request->user->home));
    environment[n++] = variable(arena, "USER", name);
    environment[n++] = variable(arena, "LOGNAME", name);
    environment[n++] = variable(arena, "SENDER", request->sender);
    environment[n++] = variable(arena, "RECIPIENT", request->recipient);
    environment[n++] = variable(arena, "MESSAGE_ID", request->message_id);
    return environment;
}

/* The process's number, or -errno. */
static pid_t fork_child(const struct spawn_request *request, const struct pipes *pipes,
                        struct arena *arena)
{
    char **environment = make_environment(arena, request);
    char **argv = arena_alloc(arena, (request->argc + 1) * sizeof(char *));
    const int fds[3] = {pipes->input[0], pipes->output[1], pipes->errors[1]};
    pid_t pid;

    for (size_t i = 0; i < request->argc; i++)
        argv[i] = arena_cstr(arena, request->argv[i]);
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        run_child(argv, environment, request->user, fds);
    return pid;
}

static void set_nonblocking(int fd)
{
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int take_our_ends(struct pipes *pipes, struct spawned *spawned)
{
    spawned->pidfd = (int)syscall(SYS_pidfd_open, spawned->pid, 0u);
    if (spawned->pidfd < 0)
        return -errno;
    spawned->input = pipes->input[1];
    spawned->output = pipes->output[0];
    spawned->errors = pipes->errors[0];
    pipes->input[1] = pipes->output[0] = pipes->errors[0] = -1;
    set_nonblocking(spawned->input);
    set_nonblocking(spawned->output);
    set_nonblocking(spawned->errors);
    return 0;
}

int spawn_start(const struct spawn_request *request, struct spawned *ret_spawned)
{
    struct spawned spawned = {.pidfd = -1};
    struct pipes pipes;
    struct arena arena;
    int r = open_pipes(&pipes);

    if (r < 0)
        return r;
    arena_init(&arena);
    spawned.pid = fork_child(request, &pipes, &arena);
    arena_done(&arena);
    if (spawned.pid < 0) {
        r = spawned.pid;
    } else {
        r = take_our_ends(&pipes, &spawned);
        if (r < 0) {
            (void)kill(spawned.pid, SIGKILL);
            (void)waitpid(spawned.pid, NULL, 0);
        }
    }
    close_pipes(&pipes);
    if (r == 0)
        *ret_spawned = spawned;
    return r;
}
