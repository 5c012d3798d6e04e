/*
 * The lists of system calls, and the filter made of them by libseccomp.
 *
 * Lists are by purpose, since that is how a reviewer asks: who can make a socket, who can write a
 * file. No role may execute a program, start another process (a thread must share our memory),
 * trace, mount, change users, or make memory executable. Names unknown to this architecture are
 * passed over, so that one list serves all.
 */
#include "daemon/syscalls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const always[] = {
    /* descriptors that are there already */
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev",
    "pwritev2", "close", "close_range", "lseek", "_llseek", "fstat", "fstat64", "fstatfs",
    "fstatfs64", "fcntl", "fcntl64", "dup", "dup2", "dup3", "pipe", "pipe2", "eventfd2",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "timerfd_create",
    "timerfd_settime", "timerfd_gettime", "sendfile", "sendfile64", "splice", "tee",
    "copy_file_range", "fadvise64", "fadvise64_64", "readahead",
    /* sockets that are there already */
    "sendto", "send", "sendmsg", "sendmmsg", "recvfrom", "recv", "recvmsg", "recvmmsg", "shutdown",
    "getsockopt", "setsockopt", "getsockname", "getpeername",
    /* memory; mmap and mprotect have rules of their own */
    "munmap", "mremap", "madvise", "brk", "mlock", "munlock", "membarrier", "mincore",
    /* time */
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_nanosleep", "clock_nanosleep_time64",
    "nanosleep", "gettimeofday", "time",
    /* threads; clone has a rule of its own */
    "futex", "futex_time64", "futex_waitv", "set_robust_list", "get_robust_list", "rseq",
    "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "exit", "exit_group", "restart_syscall",
    /* signals to ourselves; tgkill has a rule of its own */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
    "sigaltstack", "sigreturn",
    /* knowing oneself */
    "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getuid32",
    "geteuid32", "getgid32", "getegid32", "getgroups", "getgroups32", "getrusage", "getrlimit",
    "ugetrlimit", "times", "sysinfo", "uname", "getrandom", "getcpu", "umask", "getcwd"};

static const char *const read_files[] = {
    "open",       "openat",     "access",    "faccessat", "stat",     "stat64",     "lstat",
    "lstat64",    "newfstatat", "fstatat64", "statx",     "readlink", "readlinkat", "getdents",
    "getdents64", "statfs",     "statfs64",  "chdir",     "fchdir",   "flock"};

/* memfd_create: a text for another role, in memory */
static const char *const write_files[] = {"creat",       "memfd_create",    "mkdir",
                                          "mkdirat",     "rmdir",           "rename",
                                          "renameat",    "renameat2",       "link",
                                          "linkat",      "unlink",          "unlinkat",
                                          "truncate",    "truncate64",      "ftruncate",
                                          "ftruncate64", "fallocate",       "fsync",
                                          "fdatasync",   "sync_file_range", "sync_file_range2",
                                          "syncfs",      "msync",           "chmod",
                                          "fchmod",      "fchmodat",        "fchown",
                                          "fchown32",    "utimensat",       "utimensat_time64",
                                          "futimesat",   "utime",           "utimes"};

static const char *const accept_calls[] = {"accept", "accept4"};

static const char *const connect_calls[] = {"socket", "connect", "bind", "socketpair"};

/* socket has a rule of its own */
static const char *const connect_unix_calls[] = {"connect"};

/* The C library tries these first and knows what to do without them. clone3 hides its flags from
 * filters, openat2 and faccessat2 are merely not needed. */
static const char *const absent[] = {"clone3", "openat2", "faccessat2", "fchmodat2"};

struct list {
    unsigned need;
    const char *const *names;
    size_t count;
};

#define LIST(need, names)                                                                          \
    {                                                                                              \
        need, names, sizeof(names) / sizeof(names[0])                                              \
    }

static const struct list lists[] = {
    LIST(0, always),
    LIST(NEED_READ_FILES, read_files),
    LIST(NEED_WRITE_FILES, write_files),
    LIST(NEED_ACCEPT, accept_calls),
    LIST(NEED_CONNECT, connect_calls),
    LIST(NEED_CONNECT_UNIX, connect_unix_calls),
};

static int add_names(scmp_filter_ctx filter, uint32_t action, const struct list *list)
{
    int count = 0;

    for (size_t i = 0; i < list->count; i++) {
        int number = seccomp_syscall_resolve_name(list->names[i]);
        int r;
        if (number == __NR_SCMP_ERROR || number < 0)
            continue;
        r = seccomp_rule_add(filter, action, number, 0);
        if (r < 0)
            return r;
        count++;
    }
    return count;
}

/* Calls that depend on their arguments. */
static int add_conditions(scmp_filter_ctx filter, unsigned needs)
{
    const scmp_datum_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    const scmp_datum_t self = (scmp_datum_t)getpid();
    const struct {
        unsigned need;
        int number;
        struct scmp_arg_cmp arg;
    } rules[] = {
        {0, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {0, SCMP_SYS(mmap2), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {0, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {0, SCMP_SYS(clone),
         SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM | namespaces,
                 CLONE_THREAD | CLONE_VM)},
        {0, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, self)},
        {0, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0)}, /* reading */
        {0, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)},
        {0, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME)},
        {NEED_CONNECT_UNIX, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX)},
    };
    int count = 0;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        int r;
        if (rules[i].number < 0 || (rules[i].need & needs) != rules[i].need)
            continue;
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].number, 1, &rules[i].arg);
        if (r < 0)
            return r;
        count++;
    }
    return count;
}

static int build(scmp_filter_ctx filter, unsigned needs)
{
    const struct list none = LIST(0, absent);
    int count = add_conditions(filter, needs);
    int r = add_names(filter, SCMP_ACT_ERRNO(ENOSYS), &none);

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && r >= 0 && count >= 0; i++) {
        if ((lists[i].need & needs) != lists[i].need)
            continue;
        r = add_names(filter, SCMP_ACT_ALLOW, &lists[i]);
        count += r;
    }
    return r < 0 ? r : count;
}

int syscalls_restrict(unsigned needs)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int count, r;

    if (!filter)
        return -ENOMEM;
    count = build(filter, needs);
    r = count;
    if (r >= 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* Where the kernel cannot log what a filter denies, it denies all the same. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    /* A binary tree of the calls instead of one long chain: each call is checked each time. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r >= 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    if (r == -EINVAL || r == -ENOSYS)
        return -EOPNOTSUPP;
    return r < 0 ? r : count;
}
