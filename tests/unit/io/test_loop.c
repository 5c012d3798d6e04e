#include "io/loop.h"

#include "../cmocka_all.h"
#include "base/clock.h"

#include <pthread.h>
#include <unistd.h>

struct seen {
    struct loop *loop;
    struct loop_watch *watch, *other;
    struct loop_timer *timer;
    int reads, times, wakes;
};

static void stop_after_read(void *arg, unsigned ready)
{
    struct seen *seen = arg;

    assert_true(ready & LOOP_READ);
    seen->reads++;
    /* Both watches are ready in this round: the second must not be called any more. */
    loop_unwatch(seen->watch);
    loop_unwatch(seen->other);
    loop_stop(seen->loop);
}

static void test_removed_watch_is_not_called(void **state)
{
    struct seen seen = {.loop = loop_new()};
    int one[2], two[2];

    (void)state;
    assert_int_equal(pipe(one) | pipe(two), 0);
    assert_int_equal(write(one[1], "x", 1) + write(two[1], "x", 1), 2);
    seen.watch = loop_watch(seen.loop, one[0], LOOP_READ, stop_after_read, &seen);
    seen.other = loop_watch(seen.loop, two[0], LOOP_READ, stop_after_read, &seen);
    assert_int_equal(loop_run(seen.loop), 0);
    assert_int_equal(seen.reads, 1);
    loop_free(seen.loop);
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
    }
}

static void count_time(void *arg)
{
    struct seen *seen = arg;

    if (++seen->times == 3) {
        loop_timer_free(seen->timer);
        loop_stop(seen->loop);
        return;
    }
    loop_timer_arm(seen->timer, clock_mono_ms() + 1);
}

static void test_timer_fires_once_for_each_arming(void **state)
{
    struct seen seen = {.loop = loop_new()};

    (void)state;
    seen.timer = loop_timer(seen.loop, count_time, &seen);
    loop_timer_arm(seen.timer, clock_mono_ms());
    assert_int_equal(loop_run(seen.loop), 0);
    assert_int_equal(seen.times, 3);
    loop_free(seen.loop);
}

static void count_wake(void *arg)
{
    struct seen *seen = arg;

    seen->wakes++;
    loop_stop(seen->loop);
}

static void *wake_it(void *arg)
{
    loop_wake(arg);
    return NULL;
}

static void test_wake_from_another_thread(void **state)
{
    struct seen seen = {.loop = loop_new()};
    pthread_t thread;

    (void)state;
    loop_on_wake(seen.loop, count_wake, &seen);
    assert_int_equal(pthread_create(&thread, NULL, wake_it, seen.loop), 0);
    assert_int_equal(loop_run(seen.loop), 0);
    assert_int_equal(seen.wakes, 1);
    pthread_join(thread, NULL);
    loop_free(seen.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removed_watch_is_not_called),
        cmocka_unit_test(test_timer_fires_once_for_each_arming),
        cmocka_unit_test(test_wake_from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
