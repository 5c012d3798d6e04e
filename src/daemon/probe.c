/* The attempts. See probe.h. A refusal is EPERM (seccomp) or EACCES (Landlock, file modes). */
#include "daemon/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static enum probe_result judge(int error)
{
    return error == 0                          ? PROBE_WORKED
           : error == EPERM || error == EACCES ? PROBE_REFUSED
                                               : PROBE_UNKNOWN;
}

enum probe_result probe_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    return judge(error);
}

enum probe_result probe_exec_in_child(void)
{
    char shell[] = "sh", option[] = "-c", nothing[] = ":";
    char *const argv[] = {shell, option, nothing, NULL};
    char *const envp[] = {NULL};
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execve("/bin/sh", argv, envp);
        _exit(errno); /* never 0 */
    }
    if (pid < 0)
        return judge(errno);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return PROBE_UNKNOWN;
    }
    return WIFEXITED(status) ? judge(WEXITSTATUS(status)) : PROBE_UNKNOWN;
}

enum probe_result probe_exec_call(void)
{
    /* The kernel would say EFAULT to this, if it came so far. */
    syscall(SYS_execve, NULL, NULL, NULL);
    return errno == EFAULT ? PROBE_WORKED : judge(errno);
}

enum probe_result probe_tcp_connect(void)
{
    const struct sockaddr_in discard = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (fd < 0)
        return judge(errno);
    error = connect(fd, (const struct sockaddr *)&discard, sizeof(discard)) < 0 ? errno : 0;
    close(fd);
    /* That nobody listens there, or will answer soon, was allowed to be found out. */
    return error == ECONNREFUSED || error == EINPROGRESS ? PROBE_WORKED : judge(error);
}

enum probe_result probe_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    return judge(error);
}
