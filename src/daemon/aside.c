/* Work in a process of its own. See aside.h. A pipe carries its result; its end is the end. */
#include "daemon/aside.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void run_and_exit(aside_work *work, void *arg, size_t max, int fd)
{
    struct slice rest;
    struct buf out;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    buf_init(&out, max);
    work(arg, &out);
    if (out.overflow)
        _exit(EMSGSIZE);
    for (rest = buf_slice(&out); rest.len;) {
        ssize_t n = write(fd, rest.ptr, rest.len);
        if (n < 0 && errno != EINTR)
            _exit(EIO);
        rest = slice_skip(rest, n > 0 ? (size_t)n : 0);
    }
    _exit(0);
}

static int read_until_end(int fd, uint64_t deadline, struct buf *out)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        uint64_t now = clock_mono_ms();
        char bytes[4096];
        ssize_t n;
        if (now >= deadline)
            return -ETIMEDOUT;
        if (poll(&wait, 1, (int)(deadline - now)) < 0 && errno != EINTR)
            return -errno;
        if (!wait.revents)
            continue;
        n = read(fd, bytes, sizeof(bytes));
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        buf_add(out, bytes, n > 0 ? (size_t)n : 0);
    }
}

static int reap(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EMSGSIZE)
        return -EMSGSIZE;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int aside_run(aside_work *work, void *arg, unsigned deadline_ms, struct buf *ret_out)
{
    uint64_t deadline = clock_mono_ms() + deadline_ms;
    int fds[2], r, ended;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        run_and_exit(work, arg, ret_out->max, fds[1]);
    r = pid < 0 ? -errno : 0;
    close(fds[1]);
    if (r == 0)
        r = read_until_end(fds[0], deadline, ret_out);
    close(fds[0]);
    if (pid < 0)
        return r;
    if (r < 0)
        kill(pid, SIGKILL);
    ended = reap(pid);
    return r < 0 ? r : ended;
}
