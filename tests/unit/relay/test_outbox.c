#include "relay/outbox.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

static int sent;           /* messages that the fake role_send() let through */
static int room;           /* how many more it lets through */
static struct buf arrived; /* their payloads, one behind the other */

/* The channel to queue, as far as the outbox knows it. */
int role_send(struct role_context *role, enum role to, uint16_t type, struct slice payload,
              const int *fds, unsigned n_fds)
{
    (void)role;
    (void)fds;
    assert_int_equal(to, ROLE_QUEUE);
    assert_int_equal(type, MSG_DONE);
    assert_int_equal(n_fds, 0);
    assert_true(payload.len && payload.len <= CHANNEL_PAYLOAD_MAX);
    if (room == 0)
        return -EAGAIN;
    room--;
    sent++;
    buf_add_slice(&arrived, payload);
    return 0;
}

static void count_wake(void *arg)
{
    ++*(unsigned *)arg;
}

static void add(struct outbox *outbox, uint64_t unit, unsigned epoch)
{
    static char words[2000];
    struct done_recipient recipient = {.index = 1, .kind = DONE_LATER, .status = SLICE("4.0.0")};
    struct msg_done done = {.unit = unit, .recipients = &recipient, .n_recipients = 1};

    memset(words, 'a', sizeof(words));
    recipient.reply = slice_from(words, sizeof(words));
    outbox_add(outbox, &done, epoch);
}

static void expect_units(uint64_t first, uint64_t last)
{
    struct slice rest = buf_slice(&arrived);
    struct arena arena;

    arena_init(&arena);
    for (uint64_t unit = first; unit <= last; unit++) {
        struct msg_done done;
        assert_int_equal(msg_done_decode(&rest, &arena, &done), 0);
        assert_true(done.unit == unit);
    }
    assert_int_equal(rest.len, 0);
    arena_done(&arena);
    buf_reset(&arrived);
}

static void test_outcomes_share_messages_and_keep_their_order(void **state)
{
    unsigned wakes = 0;
    struct outbox *outbox = outbox_new(count_wake, &wakes);

    (void)state;
    buf_init(&arrived, SIZE_MAX);
    for (uint64_t unit = 1; unit <= 300; unit++)
        add(outbox, unit, 0);
    assert_int_equal(wakes, 1);
    sent = 0;
    room = 2;
    assert_int_equal(outbox_flush(outbox, NULL), -EAGAIN);
    add(outbox, 301, 0);
    room = 100;
    assert_int_equal(outbox_flush(outbox, NULL), 0);
    assert_true(sent >= 4 && sent <= 6);
    expect_units(1, 301);
    assert_int_equal(outbox_flush(outbox, NULL), 0);
    assert_int_equal(arrived.len, 0);
    outbox_free(outbox);
    buf_done(&arrived);
}

static void test_outcomes_for_a_queue_that_is_gone_are_forgotten(void **state)
{
    unsigned wakes = 0;
    struct outbox *outbox = outbox_new(count_wake, &wakes);

    (void)state;
    buf_init(&arrived, SIZE_MAX);
    room = 100;
    add(outbox, 1, 0);
    outbox_reset(outbox, 1);
    add(outbox, 2, 0);
    add(outbox, 3, 1);
    assert_int_equal(outbox_flush(outbox, NULL), 0);
    expect_units(3, 3);
    outbox_free(outbox);
    buf_done(&arrived);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes_share_messages_and_keep_their_order),
        cmocka_unit_test(test_outcomes_for_a_queue_that_is_gone_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
