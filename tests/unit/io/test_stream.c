#include "io/stream.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LONG_MS = 20000, SHORT_MS = 30 };

static uint64_t in_ms(uint64_t ms)
{
    return clock_mono_ms() + ms;
}

/* A stream with its peer's end of a socketpair. */
static struct stream open_pair(int cancel_fd, int *ret_peer)
{
    struct stream stream;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    stream_init(&stream, fds[0], cancel_fd);
    *ret_peer = fds[1];
    return stream;
}

static void say(int peer, struct slice bytes)
{
    assert_int_equal(write(peer, bytes.ptr, bytes.len), (ssize_t)bytes.len);
}

static void test_lines_come_whole_and_the_rest_stays(void **state)
{
    int peer;
    struct stream stream = open_pair(-1, &peer);
    struct slice line;

    (void)state;
    say(peer, SLICE("one\r\ntwo\nthr"));
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), 0);
    assert_true(slice_eq(line, SLICE("one")));
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), 0);
    assert_true(slice_eq(line, SLICE("two")));
    assert_int_equal(stream_read_line(&stream, in_ms(SHORT_MS), &line), -ETIMEDOUT);
    say(peer, SLICE("ee\r\n"));
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), 0);
    assert_true(slice_eq(line, SLICE("three")));
    say(peer, SLICE("last words"));
    close(peer);
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), -EPIPE);
    assert_true(slice_eq(stream_buffered(&stream), SLICE("last words")));
    stream_done(&stream);
}

static void test_a_line_without_end_is_refused(void **state)
{
    int peer;
    struct stream stream = open_pair(-1, &peer);
    char bytes[STREAM_BUFFER];
    struct slice line;

    (void)state;
    say(peer, SLICE("x\n"));
    memset(bytes, 'a', sizeof(bytes));
    say(peer, slice_from(bytes, sizeof(bytes)));
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), 0);
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), -EMSGSIZE);
    close(peer);
    stream_done(&stream);
}

static void test_waiting_ends_at_the_deadline(void **state)
{
    int peer;
    struct stream stream = open_pair(-1, &peer);
    uint64_t before = clock_mono_ms();
    struct buf much;

    (void)state;
    assert_int_equal(stream_fill(&stream, in_ms(SHORT_MS)), -ETIMEDOUT);
    assert_true(clock_mono_ms() - before >= SHORT_MS);
    assert_int_equal(stream_fill(&stream, 0), -ETIMEDOUT);
    buf_init(&much, 8 * 1024 * 1024);
    memset(buf_reserve(&much, much.max), 'a', much.max);
    buf_added(&much, much.max);
    assert_int_equal(stream_write(&stream, buf_slice(&much), in_ms(SHORT_MS)), -ETIMEDOUT);
    buf_done(&much);
    close(peer);
    stream_done(&stream);
}

static void *cancel_soon(void *arg)
{
    usleep(SHORT_MS * 1000);
    (void)!write(*(int *)arg, &(uint64_t){1}, sizeof(uint64_t));
    return NULL;
}

static void test_waiting_can_be_cancelled(void **state)
{
    int cancel = eventfd(0, EFD_CLOEXEC);
    int peer;
    struct stream stream = open_pair(cancel, &peer);
    uint64_t before = clock_mono_ms();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(stream_fill(&stream, in_ms(LONG_MS)), -ECANCELED);
    assert_true(clock_mono_ms() - before < LONG_MS / 2);
    pthread_join(thread, NULL);
    close(peer);
    close(cancel);
    stream_done(&stream);
}

static void *read_all(void *arg)
{
    static char bytes[64 * 1024];
    size_t total = 0;
    ssize_t n;

    while ((n = read(*(int *)arg, bytes, sizeof(bytes))) > 0)
        total += (size_t)n;
    close(*(int *)arg);
    return (void *)(uintptr_t)total;
}

static void test_writing_goes_on_until_all_is_out(void **state)
{
    int peer;
    struct stream stream = open_pair(-1, &peer);
    pthread_t thread;
    void *total;
    struct buf much;

    (void)state;
    buf_init(&much, 8 * 1024 * 1024);
    memset(buf_reserve(&much, much.max), 'a', much.max);
    buf_added(&much, much.max);
    assert_int_equal(pthread_create(&thread, NULL, read_all, &peer), 0);
    assert_int_equal(stream_write(&stream, buf_slice(&much), in_ms(LONG_MS)), 0);
    stream_done(&stream);
    pthread_join(thread, &total);
    assert_int_equal((uintptr_t)total, much.len);
    buf_done(&much);
}

static void test_a_peer_that_is_gone_is_no_signal(void **state)
{
    int peer;
    struct stream stream = open_pair(-1, &peer);

    (void)state;
    assert_true(stream_is_quiet(&stream));
    close(peer);
    assert_false(stream_is_quiet(&stream));
    assert_int_equal(stream_write(&stream, SLICE("x"), in_ms(LONG_MS)), -EPIPE);
    stream_write_hint(&stream, SLICE("x"));
    stream_done(&stream);
}

static void test_an_idle_stream_notices_words(void **state)
{
    int peer;
    struct stream stream = open_pair(-1, &peer);

    (void)state;
    say(peer, SLICE("421 bye\r\n"));
    assert_false(stream_is_quiet(&stream));
    assert_int_equal(stream_fill(&stream, in_ms(LONG_MS)), 0);
    assert_false(stream_is_quiet(&stream));
    stream_consume(&stream, stream_buffered(&stream).len);
    assert_true(stream_is_quiet(&stream));
    close(peer);
    stream_done(&stream);
}

static void test_connecting_over_loopback(void **state)
{
    struct socket_address to, from, here = {.len = sizeof(here.socket)};
    struct stream stream;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int peer, on = 0;
    socklen_t on_len = sizeof(on);

    (void)state;
    assert_true(socket_address_parse(SLICE("127.0.0.1"), 0, &to));
    assert_true(socket_address_parse(SLICE("127.0.0.2"), 0, &from));
    assert_int_equal(bind(listener, &to.socket.any, to.len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, &here.socket.any, &here.len), 0);
    assert_int_equal(stream_connect(&stream, &here, &from, -1, in_ms(LONG_MS)), 0);
    assert_int_equal(getsockopt(stream.fd, SOL_SOCKET, SO_KEEPALIVE, &on, &on_len), 0);
    assert_true(on);
    from.len = sizeof(from.socket);
    peer = accept(listener, &from.socket.any, &from.len);
    assert_int_equal(ntohl(from.socket.v4.sin_addr.s_addr), 0x7f000002);
    close(peer);
    stream_done(&stream);
    close(listener);
    assert_int_equal(stream_connect(&stream, &here, NULL, -1, in_ms(LONG_MS)), -ECONNREFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_come_whole_and_the_rest_stays),
        cmocka_unit_test(test_a_line_without_end_is_refused),
        cmocka_unit_test(test_waiting_ends_at_the_deadline),
        cmocka_unit_test(test_waiting_can_be_cancelled),
        cmocka_unit_test(test_writing_goes_on_until_all_is_out),
        cmocka_unit_test(test_a_peer_that_is_gone_is_no_signal),
        cmocka_unit_test(test_an_idle_stream_notices_words),
        cmocka_unit_test(test_connecting_over_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
