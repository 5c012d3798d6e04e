#include "io/channel.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[CHANNEL_PAYLOAD_MAX + 2];

static void test_message_keeps_type_payload_and_descriptor(void **state)
{
    int fds[2], null = open("/dev/null", O_RDONLY);
    struct channel_message message;

    (void)state;
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_send(fds[0], 0x1234, SLICE("hello"), &null, 1), 0);
    assert_int_equal(channel_receive(fds[1], buffer, sizeof(buffer), &message), 0);
    assert_int_equal(message.type, 0x1234);
    assert_true(slice_eq(message.payload, SLICE("hello")));
    assert_int_equal(message.n_fds, 1);
    assert_true(fcntl(message.fds[0], F_GETFD) & FD_CLOEXEC);
    channel_message_close_fds(&message);
    assert_int_equal(channel_receive(fds[1], buffer, sizeof(buffer), &message), -EAGAIN);
    close(null);
    close(fds[0]);
    assert_int_equal(channel_receive(fds[1], buffer, sizeof(buffer), &message), -EPIPE);
    close(fds[1]);
}

static void test_bounds_are_kept_on_both_sides(void **state)
{
    int fds[2];
    char *large = calloc(1, CHANNEL_PAYLOAD_MAX + 1);
    struct channel_message message;

    (void)state;
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_send(fds[0], 1, slice_from(large, CHANNEL_PAYLOAD_MAX + 1), NULL, 0),
                     -EMSGSIZE);
    assert_int_equal(channel_send(fds[0], 1, slice_from(large, CHANNEL_PAYLOAD_MAX), NULL, 0), 0);
    assert_int_equal(channel_receive(fds[1], buffer, sizeof(buffer), &message), 0);
    assert_int_equal(message.payload.len, CHANNEL_PAYLOAD_MAX);
    /* A peer that speaks no channel at all. */
    assert_int_equal(send(fds[0], "x", 1, 0), 1);
    assert_int_equal(channel_receive(fds[1], buffer, sizeof(buffer), &message), -EBADMSG);
    assert_int_equal(send(fds[0], large, 20, 0), 20);
    assert_int_equal(channel_receive(fds[1], buffer, 10, &message), -EBADMSG);
    free(large);
    close(fds[0]);
    close(fds[1]);
}

static void test_full_peer_is_told_and_waited_for(void **state)
{
    int fds[2];
    char kilobytes[32 * 1024];
    int r = 0;

    (void)state;
    memset(kilobytes, 'x', sizeof(kilobytes));
    assert_int_equal(channel_pair(fds), 0);
    for (int i = 0; i < 1000 && r == 0; i++)
        r = channel_send(fds[0], 1, slice_from(kilobytes, sizeof(kilobytes)), NULL, 0);
    assert_int_equal(r, -EAGAIN);
    assert_int_equal(channel_send_wait(fds[0], 1, SLICE("x"), NULL, 0, 10), -ETIMEDOUT);
    close(fds[1]);
    assert_int_equal(channel_send(fds[0], 1, SLICE("x"), NULL, 0), -EPIPE);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_keeps_type_payload_and_descriptor),
        cmocka_unit_test(test_bounds_are_kept_on_both_sides),
        cmocka_unit_test(test_full_peer_is_told_and_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
