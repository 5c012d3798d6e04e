#include "io/tasks.h"

#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static void wait_for(atomic_uint *value, unsigned wanted)
{
    uint64_t until = clock_mono_ms() + PATIENCE_MS;

    while (atomic_load(value) != wanted && clock_mono_ms() < until)
        usleep(1000);
    assert_int_equal(atomic_load(value), wanted);
}

/* Echoes bytes; never run by two threads at a time; ends with its peer. */
struct echo {
    int fd;
    struct task *task;
    atomic_bool running;
    atomic_uint *ended, *overlaps;
};

static struct task_step run_echo(void *arg, enum task_why why, struct task_scratch *scratch)
{
    struct echo *echo = arg;
    struct task_step next = {.next = TASK_PARK, .want = TASK_READ};
    ssize_t n;

    if (atomic_exchange(&echo->running, true))
        atomic_fetch_add(echo->overlaps, 1);
    n = recv(echo->fd, scratch->bytes, scratch->size, MSG_DONTWAIT);
    if (n > 0)
        n = send(echo->fd, scratch->bytes, (size_t)n, MSG_NOSIGNAL);
    else if (n == 0 || why == TASK_STOPPING)
        next.next = TASK_END;
    atomic_store(&echo->running, false);
    if (next.next == TASK_END) {
        close(echo->fd);
        atomic_fetch_add(echo->ended, 1);
        free(echo);
    }
    return next;
}

static int add_echo(struct tasks *pool, atomic_uint *ended, atomic_uint *overlaps)
{
    const struct task_step first = {.next = TASK_PARK, .want = TASK_READ};
    struct echo *echo = xcalloc(1, sizeof(*echo));
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    echo->fd = pair[0];
    echo->ended = ended;
    echo->overlaps = overlaps;
    assert_int_equal(tasks_add(pool, echo->fd, first, run_echo, echo, &echo->task), 0);
    return pair[1];
}

static void test_many_tasks_on_few_threads(void **state)
{
    enum { N = 300, ROUNDS = 20 };
    struct tasks *pool = tasks_new("test", 3);
    atomic_uint ended = 0, overlaps = 0;
    int fds[N];

    (void)state;
    for (unsigned i = 0; i < N; i++)
        fds[i] = add_echo(pool, &ended, &overlaps);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < N; i++)
            assert_int_equal(send(fds[i], "x", 1, 0), 1);
        for (unsigned i = 0; i < N; i++) {
            char byte;
            assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
        }
    }
    for (unsigned i = 0; i < N / 2; i++)
        close(fds[i]);
    wait_for(&ended, N / 2);
    tasks_stop(pool);
    assert_int_equal(tasks_finish(pool), 0);
    assert_int_equal(atomic_load(&ended), N);
    assert_int_equal(atomic_load(&overlaps), 0);
    for (unsigned i = N / 2; i < N; i++)
        close(fds[i]);
    tasks_free(pool);
}

/* Counts the wakes it was given; parked with nothing else to run it. */
struct sleeper {
    int fd;
    struct task *task;
    atomic_uint wanted, seen;
};

static struct task_step run_sleeper(void *arg, enum task_why why, struct task_scratch *scratch)
{
    struct sleeper *sleeper = arg;

    (void)scratch;
    atomic_store(&sleeper->seen, atomic_load(&sleeper->wanted));
    if (why == TASK_STOPPING)
        return (struct task_step){.next = TASK_END};
    return (struct task_step){.next = TASK_PARK};
}

static void test_no_wake_is_lost(void **state)
{
    const struct task_step first = {.next = TASK_PARK};
    struct tasks *pool = tasks_new("test", 2);
    struct sleeper sleeper = {.wanted = 0};
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    sleeper.fd = pair[0];
    assert_int_equal(tasks_add(pool, pair[0], first, run_sleeper, &sleeper, &sleeper.task), 0);
    for (unsigned i = 1; i <= 20000; i++) {
        atomic_store(&sleeper.wanted, i);
        task_wake(sleeper.task);
        /* Now and then it has come to rest, mostly it is being run. */
        if (i % 64 == 0)
            wait_for(&sleeper.seen, i);
    }
    wait_for(&sleeper.seen, 20000);
    tasks_stop(pool);
    assert_int_equal(tasks_finish(pool), 0);
    tasks_free(pool);
    close(pair[0]);
    close(pair[1]);
}

struct timed {
    struct task *task;
    uint64_t deadline_ms;
    atomic_uint timeouts;
    uint64_t late_ms;
};

static struct task_step run_timed(void *arg, enum task_why why, struct task_scratch *scratch)
{
    struct timed *timed = arg;
    uint64_t now = clock_mono_ms();

    (void)scratch;
    if (why == TASK_STOPPING)
        return (struct task_step){.next = TASK_END};
    if (why == TASK_TIMEOUT) {
        timed->late_ms = now - timed->deadline_ms;
        atomic_fetch_add(&timed->timeouts, 1);
        return (struct task_step){.next = TASK_PARK};
    }
    /* A wake moves the deadline: first further away, then nearer. */
    timed->deadline_ms = now + (timed->deadline_ms > now + 1000 ? 150 : 5000);
    return (struct task_step){.next = TASK_PARK, .deadline_ms = timed->deadline_ms};
}

static void test_deadlines_may_move_both_ways(void **state)
{
    struct tasks *pool = tasks_new("test", 2);
    struct timed timed = {.deadline_ms = clock_mono_ms() + 500};
    const struct task_step first = {.next = TASK_PARK, .deadline_ms = timed.deadline_ms};
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(tasks_add(pool, pair[0], first, run_timed, &timed, &timed.task), 0);
    task_wake(timed.task);
    usleep(800 * 1000); /* past the first deadline, which does not hold any more */
    assert_int_equal(atomic_load(&timed.timeouts), 0);
    task_wake(timed.task);
    wait_for(&timed.timeouts, 1);
    assert_true(timed.late_ms < 1000);
    tasks_stop(pool);
    assert_int_equal(tasks_finish(pool), 0);
    tasks_free(pool);
    close(pair[0]);
    close(pair[1]);
}

static struct task_step run_greedy(void *arg, enum task_why why, struct task_scratch *scratch)
{
    (void)arg, (void)scratch;
    return (struct task_step){.next = why == TASK_STOPPING ? TASK_END : TASK_YIELD};
}

static void test_a_task_that_always_yields_starves_nobody(void **state)
{
    const struct task_step first = {.next = TASK_PARK, .deadline_ms = 1};
    struct tasks *pool = tasks_new("test", 1);
    atomic_uint ended = 0, overlaps = 0;
    struct task *greedy;
    int pair[2], fd;
    char byte;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(tasks_add(pool, pair[0], first, run_greedy, NULL, &greedy), 0);
    fd = add_echo(pool, &ended, &overlaps);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(send(fd, "x", 1, 0), 1);
        assert_int_equal(recv(fd, &byte, 1, 0), 1);
    }
    close(fd);
    wait_for(&ended, 1);
    tasks_stop(pool);
    assert_int_equal(tasks_finish(pool), 0);
    tasks_free(pool);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_tasks_on_few_threads),
        cmocka_unit_test(test_no_wake_is_lost),
        cmocka_unit_test(test_deadlines_may_move_both_ways),
        cmocka_unit_test(test_a_task_that_always_yields_starves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
