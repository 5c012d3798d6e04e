/* Racing addresses: who wins, who is told to have failed, and what stops it. */
#include "io/connect.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/eventfd.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

static struct socket_address local(const char *text, uint16_t port)
{
    struct socket_address address;

    assert_true(socket_address_parse(slice_from_cstr(text), port, &address));
    return address;
}

/* Listens; with `full` nobody is let in any more, so that a connect hangs. */
static int listener(const char *text, bool full, struct socket_address *ret_address)
{
    struct socket_address address = local(text, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, &address.socket.any, address.len), 0);
    assert_int_equal(listen(fd, full ? 0 : 16), 0);
    assert_int_equal(getsockname(fd, &address.socket.any, &address.len), 0);
    for (unsigned i = 0; full && i < 4; i++) {
        int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(filler, &address.socket.any, address.len); /* left open to the end */
    }
    *ret_address = address;
    return fd;
}

static struct socket_address nobody(void)
{
    struct socket_address address;

    close(listener("127.0.0.1", false, &address));
    return address;
}

struct watch {
    unsigned refuse;       /* bits: may not begin */
    unsigned begun, ended; /* bits */
};

static bool may_begin(void *arg, unsigned i)
{
    struct watch *watch = arg;

    if (watch->refuse & 1u << i)
        return false;
    watch->begun |= 1u << i;
    return true;
}

static void on_ended(void *arg, unsigned i)
{
    ((struct watch *)arg)->ended |= 1u << i;
}

static int run(struct connect_try *tries, unsigned n, struct watch *watch, uint64_t patience_ms,
               int cancel_fd, unsigned *ret_winner)
{
    struct connect_race race = {.tries = tries,
                                .count = n,
                                .cancel_fd = cancel_fd,
                                .deadline = clock_mono_ms() + patience_ms,
                                .may_begin = may_begin,
                                .ended = on_ended,
                                .arg = watch};
    int fd = -1, r = connect_first(&race, &fd, ret_winner);

    if (r == 0)
        close(fd);
    return r;
}

static void test_the_first_that_answers_wins(void **state)
{
    struct connect_try tries[3] = {0};
    struct watch watch = {0};
    struct socket_address slow, good;
    int slow_fd = listener("127.0.0.2", true, &slow), good_fd = listener("127.0.0.3", false, &good);
    uint64_t before = clock_mono_ms();
    unsigned winner;

    (void)state;
    tries[0].to = slow;
    tries[1].to = nobody();
    tries[2].to = good;
    assert_int_equal(run(tries, 3, &watch, PATIENCE_MS, -1, &winner), 0);
    assert_int_equal(winner, 2);
    assert_int_equal(tries[0].state, CONNECT_UNTRIED);
    assert_int_equal(tries[1].state, CONNECT_FAILED);
    assert_int_equal(tries[1].error, -ECONNREFUSED);
    assert_int_equal(tries[2].state, CONNECT_WON);
    assert_int_equal(watch.begun, 7);
    assert_int_equal(watch.ended, 3);
    assert_in_range(clock_mono_ms() - before, CONNECT_HEAD_START_MS, PATIENCE_MS - 1);
    close(slow_fd);
    close(good_fd);
}

static void test_a_failure_starts_the_next_at_once(void **state)
{
    struct connect_try tries[2] = {0};
    struct watch watch = {0};
    uint64_t before = clock_mono_ms();
    unsigned winner;
    int fd = listener("127.0.0.3", false, &tries[1].to);

    (void)state;
    tries[0].to = nobody();
    assert_int_equal(run(tries, 2, &watch, PATIENCE_MS, -1, &winner), 0);
    assert_int_equal(winner, 1);
    assert_true(clock_mono_ms() - before < CONNECT_HEAD_START_MS);
    close(fd);
}

static void test_how_it_ends_without_a_winner(void **state)
{
    struct connect_try tries[2] = {0};
    struct watch watch = {0};
    int cancel = eventfd(1, EFD_CLOEXEC), slow_fd;
    unsigned winner;

    (void)state;
    tries[0].to = nobody();
    tries[1].to = nobody();
    assert_int_equal(run(tries, 2, &watch, PATIENCE_MS, -1, &winner), -ECONNREFUSED);
    assert_int_equal(watch.ended, 3);
    watch = (struct watch){.refuse = 3};
    assert_int_equal(run(tries, 2, &watch, PATIENCE_MS, -1, &winner), -EBUSY);
    assert_int_equal(watch.begun | watch.ended, 0);
    assert_int_equal(tries[0].state, CONNECT_UNTRIED);
    slow_fd = listener("127.0.0.2", true, &tries[0].to);
    watch = (struct watch){.refuse = 2};
    assert_int_equal(run(tries, 2, &watch, 100, -1, &winner), -ETIMEDOUT);
    assert_int_equal(tries[0].error, -ETIMEDOUT);
    assert_int_equal(tries[1].state, CONNECT_UNTRIED);
    assert_int_equal(run(tries, 2, &watch, PATIENCE_MS, cancel, &winner), -ECANCELED);
    assert_int_equal(tries[0].state, CONNECT_UNTRIED);
    assert_int_equal(watch.ended, 1);
    close(slow_fd);
    close(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_that_answers_wins),
        cmocka_unit_test(test_a_failure_starts_the_next_at_once),
        cmocka_unit_test(test_how_it_ends_without_a_winner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
