/*
 * What the filters let through. The probes run in children that leave by _exit(), so that they work
 * under sanitizers too, whose own calls at the end of a process the filter forbids.
 */
#include "daemon/syscalls.h"

#include "daemon/probe.h"
#include "../cmocka_all.h"
#include "in_child.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

static bool restrict_to(unsigned needs)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscalls_restrict(needs) > 0;
}

static int try_local(void *arg)
{
    (void)arg;
    if (!restrict_to(NEED_READ_FILES | NEED_WRITE_FILES))
        return 1;
    if (probe_open("/") != PROBE_WORKED)
        return 2;
    if (probe_socket() != PROBE_REFUSED)
        return 3;
    return probe_exec_call() == PROBE_REFUSED ? 0 : 4;
}

static int try_relay(void *arg)
{
    (void)arg;
    if (!restrict_to(NEED_READ_FILES | NEED_CONNECT))
        return 1;
    if (probe_socket() != PROBE_WORKED)
        return 2;
    return mkdir("/tmp/nuncio-must-not-be", 0700) < 0 && errno == EPERM ? 0 : 3;
}

static int try_dovecot(void *arg)
{
    struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/there/is/no/such/socket"};
    int fd;

    (void)arg;
    if (!restrict_to(NEED_READ_FILES | NEED_CONNECT_UNIX))
        return 1;
    if (probe_socket() != PROBE_REFUSED)
        return 2;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 3;
    return connect(fd, (struct sockaddr *)&nowhere, sizeof(nowhere)) < 0 && errno == ENOENT ? 0 : 4;
}

static int try_processes(void *arg)
{
    (void)arg;
    if (!restrict_to(0))
        return 1;
    if (syscall(SYS_fork) != -1 || errno != EPERM)
        return 2;
    if (syscall(SYS_kill, getppid(), 0) != -1 || errno != EPERM)
        return 3;
    if (syscall(SYS_ptrace, 0, 0, 0, 0) != -1 || errno != EPERM)
        return 4;
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return 5;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                   MAP_FAILED
               ? 0
               : 6;
}

static void *return_argument(void *arg)
{
    return arg;
}

static int try_threads(void *arg)
{
    pthread_t thread;
    void *result = NULL;

    if (!restrict_to(0))
        return 1;
    if (pthread_create(&thread, NULL, return_argument, arg) != 0)
        return 2;
    return pthread_join(thread, &result) == 0 && result == arg ? 0 : 3;
}

static void test_local_makes_no_socket_and_executes_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_child(try_local, NULL), 0);
}

static void test_relay_makes_sockets_but_no_files(void **state)
{
    (void)state;
    assert_int_equal(in_child(try_relay, NULL), 0);
}

static void test_auth_that_asks_dovecot_makes_unix_sockets_alone(void **state)
{
    (void)state;
    assert_int_equal(in_child(try_dovecot, NULL), 0);
}

static void test_nobody_makes_processes_signals_others_or_runs_data(void **state)
{
    (void)state;
    assert_int_equal(in_child(try_processes, NULL), 0);
}

static void test_threads_can_be_made(void **state)
{
    int value = 0;

    (void)state;
    assert_int_equal(in_child(try_threads, &value), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_makes_no_socket_and_executes_nothing),
        cmocka_unit_test(test_relay_makes_sockets_but_no_files),
        cmocka_unit_test(test_auth_that_asks_dovecot_makes_unix_sockets_alone),
        cmocka_unit_test(test_nobody_makes_processes_signals_others_or_runs_data),
        cmocka_unit_test(test_threads_can_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
