#include "relay/workers.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LONG_MS = 20000, JOBS = 500 };

struct counters {
    atomic_uint done, dropped, running, most, threads;
    atomic_bool hold; /* jobs wait until this is false */
};

struct test_job {
    struct workers_job base;
};

static void *thread_new(void *arg)
{
    atomic_fetch_add(&((struct counters *)arg)->threads, 1);
    return arg;
}

static void thread_free(void *arg, void *memory)
{
    assert_ptr_equal(arg, memory);
    atomic_fetch_sub(&((struct counters *)arg)->threads, 1);
}

static void run(void *arg, void *memory, struct workers_job *job)
{
    struct counters *counters = memory;
    unsigned now = atomic_fetch_add(&counters->running, 1) + 1;
    unsigned most = atomic_load(&counters->most);

    (void)arg;
    while (now > most && !atomic_compare_exchange_weak(&counters->most, &most, now))
        continue;
    while (atomic_load(&counters->hold))
        usleep(100);
    atomic_fetch_sub(&counters->running, 1);
    atomic_fetch_add(&counters->done, 1);
    free(job);
}

static void drop(void *arg, struct workers_job *job)
{
    atomic_fetch_add(&((struct counters *)arg)->dropped, 1);
    free(job);
}

static const struct workers_methods methods = {
    .thread_new = thread_new, .thread_free = thread_free, .run = run, .drop = drop};

static void add(struct workers *workers, struct slice site, unsigned cap)
{
    struct test_job *job = xcalloc(1, sizeof(*job));
    assert_int_equal(workers_add(workers, &job->base, site, cap), 0);
}

static void wait_done(struct counters *counters, unsigned wanted)
{
    uint64_t end = clock_mono_ms() + LONG_MS;

    while (atomic_load(&counters->done) < wanted && clock_mono_ms() < end)
        usleep(1000);
    assert_int_equal(atomic_load(&counters->done), wanted);
}

static void stop(struct workers *workers, struct counters *counters)
{
    assert_true(workers_stop(workers, clock_mono_ms() + LONG_MS));
    assert_int_equal(atomic_load(&counters->threads), 0);
    assert_int_equal(workers_numbers(workers).threads, 0);
    workers_free(workers);
}

static void test_no_site_has_more_than_its_cap(void **state)
{
    struct counters counters = {0};
    struct workers *workers = workers_new(&methods, &counters);

    (void)state;
    counters.hold = true;
    for (unsigned i = 0; i < JOBS; i++)
        add(workers, SLICE("a"), 3);
    usleep(20000);
    assert_true(workers_numbers(workers).running <= 3);
    counters.hold = false;
    wait_done(&counters, JOBS);
    assert_true(counters.most <= 3);
    assert_int_equal(workers_numbers(workers).waiting, 0);
    stop(workers, &counters);
    assert_int_equal(counters.dropped, 0);
}

static void test_a_slow_site_does_not_hold_up_another(void **state)
{
    struct counters slow = {0};
    struct workers *workers = workers_new(&methods, &slow);

    (void)state;
    slow.hold = true;
    for (unsigned i = 0; i < 50; i++)
        add(workers, SLICE("slow"), 2);
    add(workers, SLICE("fast"), 2);
    for (unsigned i = 0; i < LONG_MS && slow.running < 3; i++)
        usleep(1000);
    assert_int_equal(slow.running, 3);
    slow.hold = false;
    wait_done(&slow, 51);
    stop(workers, &slow);
}

static void test_threads_are_bounded_and_used_again(void **state)
{
    struct counters counters = {0};
    struct workers *workers = workers_new(&methods, &counters);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        add(workers, SLICE("a"), 1);
        wait_done(&counters, i + 1);
    }
    assert_true(workers_numbers(workers).threads <= 3);
    counters.hold = true;
    for (unsigned i = 0; i < 2 * WORKERS_THREADS_MAX; i++)
        add(workers, SLICE("wide"), 2 * WORKERS_THREADS_MAX);
    usleep(50000);
    assert_true(workers_numbers(workers).threads <= WORKERS_THREADS_MAX);
    counters.hold = false;
    wait_done(&counters, 100 + 2 * WORKERS_THREADS_MAX);
    stop(workers, &counters);
}

static void test_what_waits_can_be_dropped(void **state)
{
    struct counters counters = {0};
    struct workers *workers = workers_new(&methods, &counters);

    (void)state;
    counters.hold = true;
    for (unsigned i = 0; i < 10; i++)
        add(workers, SLICE("a"), 2);
    for (unsigned i = 0; i < LONG_MS && counters.running < 2; i++)
        usleep(1000);
    workers_drop_waiting(workers);
    assert_int_equal(counters.dropped, 8);
    add(workers, SLICE("a"), 2);
    assert_false(workers_stop(workers, 0));
    assert_int_equal(counters.dropped, 9);
    counters.hold = false;
    stop(workers, &counters);
    assert_int_equal(counters.done, 2);
}

static void test_a_stopped_pool_takes_nothing(void **state)
{
    struct counters counters = {0};
    struct workers *workers = workers_new(&methods, &counters);
    struct test_job job = {0};

    (void)state;
    assert_true(workers_stop(workers, 0));
    assert_int_equal(workers_add(workers, &job.base, SLICE("a"), 1), -ECANCELED);
    workers_free(workers);
}

/* What the kernel says when it has no thread left. pthread_create() of this program alone. */
static bool no_threads;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg)
{
    return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, start, arg);
}

static void test_without_any_thread_the_job_comes_back(void **state)
{
    struct counters counters = {0};
    struct workers *workers = workers_new(&methods, &counters);
    struct test_job job = {0};

    (void)state;
    no_threads = true;
    assert_int_equal(workers_add(workers, &job.base, SLICE("a"), 5), -EAGAIN);
    assert_int_equal(workers_numbers(workers).waiting, 0);
    no_threads = false;
    add(workers, SLICE("a"), 5);
    no_threads = true;
    /* There is one: the others wait for it. */
    for (unsigned i = 0; i < 20; i++)
        add(workers, SLICE("a"), 5);
    no_threads = false;
    wait_done(&counters, 21);
    assert_int_equal(counters.most, 1);
    stop(workers, &counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_site_has_more_than_its_cap),
        cmocka_unit_test(test_a_slow_site_does_not_hold_up_another),
        cmocka_unit_test(test_threads_are_bounded_and_used_again),
        cmocka_unit_test(test_what_waits_can_be_dropped),
        cmocka_unit_test(test_a_stopped_pool_takes_nothing),
        cmocka_unit_test(test_without_any_thread_the_job_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
