/* Runs something that cannot be undone in a process of its own. */
#ifndef NUNCIO_TESTS_IN_CHILD_H
#define NUNCIO_TESTS_IN_CHILD_H

#include <sys/wait.h>
#include <unistd.h>

/* The value that `step` returned, 0..255, or -1 when it was killed. */
static inline int in_child(int (*step)(void *arg), void *arg)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(step(arg));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

#endif
