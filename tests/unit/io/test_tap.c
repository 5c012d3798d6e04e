#include "io/tap.h"

#include "../cmocka_all.h"

#include "base/buf.h"
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static int open_tap(void **state)
{
    (void)state;
    log_setup("test", LOG_ERROR, LOG_LOGFMT, STDERR_FILENO);
    if (tap_open() < 0)
        return -1;
    tap_enable(true);
    return 0;
}

static int close_tap(void **state)
{
    (void)state;
    tap_enable(false);
    return close(tap_fd());
}

static bool is_readable(void)
{
    struct pollfd poll_fd = {.fd = tap_fd(), .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 1;
}

static void test_lines_come_out_whole_and_wake_once(void **state)
{
    char out[200];
    size_t n;

    (void)state;
    assert_false(is_readable());
    log_info(NULL, "one", LOG_INT("n", 1));
    log_info(NULL, "two", LOG_INT("n", 2));
    assert_true(is_readable());
    assert_false(tap_rest());
    assert_false(is_readable());
    n = tap_peek(out, 60); /* room for one */
    assert_true(n > 0 && n < 60 && out[n - 1] == '\n');
    assert_non_null(memmem(out, n, " one n=1", 8));
    tap_forget(n);
    n = tap_peek(out, sizeof(out));
    assert_non_null(memmem(out, n, " two n=2", 8));
    tap_forget(n);
    assert_true(tap_rest());
    log_info(NULL, "three", LOG_INT("n", 3));
    assert_true(is_readable());
}

static void test_a_full_ring_drops_and_counts_and_goes_on(void **state)
{
    enum { LINES = 100000 };
    static char out[128 * 1024];
    uint64_t lines = 0;
    size_t n;

    (void)state;
    for (unsigned i = 0; i < LINES; i++)
        log_info(NULL, "event", LOG_INT("number", i), LOG_STR("text", "of some length, as usual"));
    assert_true(tap_dropped() > 0);
    while ((n = tap_peek(out, sizeof(out))) > 0) {
        for (size_t i = 0; i < n; i++)
            lines += out[i] == '\n';
        tap_forget(n);
    }
    assert_int_equal(lines + tap_dropped(), LINES);
    log_info(NULL, "after", LOG_INT("n", 1));
    n = tap_peek(out, sizeof(out));
    assert_non_null(memmem(out, n, " after n=1", 10));
    assert_int_equal(lines + tap_dropped(), LINES);
}

enum { OF_A_THREAD = 20000 };

static void *log_lines(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < OF_A_THREAD; i++)
        log_info(NULL, "event", LOG_INT("number", i));
    return NULL;
}

/* A reader that rests whenever it may still gets every line: under ThreadSanitizer, too. */
static void test_threads_write_while_the_reader_rests(void **state)
{
    static char out[128 * 1024];
    pthread_t threads[2];
    uint64_t lines = 0;

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, NULL), 0);
    while (lines + tap_dropped() < 2 * OF_A_THREAD) {
        struct pollfd poll_fd = {.fd = tap_fd(), .events = POLLIN};
        size_t n;
        if (tap_rest())
            assert_int_equal(poll(&poll_fd, 1, 20000), 1);
        n = tap_peek(out, sizeof(out));
        for (size_t i = 0; i < n; i++)
            lines += out[i] == '\n';
        tap_forget(n);
    }
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_come_out_whole_and_wake_once, open_tap,
                                        close_tap),
        cmocka_unit_test_setup_teardown(test_a_full_ring_drops_and_counts_and_goes_on, open_tap,
                                        close_tap),
        cmocka_unit_test_setup_teardown(test_threads_write_while_the_reader_rests, open_tap,
                                        close_tap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
