#include "io/message.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <string.h>

static struct slice encode_unit(struct buf *out, struct arena *arena)
{
    struct msg_unit unit = {
        .unit = 7,
        .message_id = UINT64_MAX,
        .way = WAY_ROUTE,
        .name = SLICE("relay"),
        .domain = SLICE("example.org"),
        .text_offset = 4096,
        .text_length = 12,
        .reverse_path = SLICE("a@example.org"),
        .ret = RET_HDRS,
        .body = BODY_8BITMIME,
        .smtputf8 = true,
        .n_recipients = 2,
    };

    unit.recipients = arena_alloc(arena, 2 * sizeof(*unit.recipients));
    unit.recipients[0] = (struct unit_recipient){.index = 3, .address = SLICE("b@example.net")};
    unit.recipients[1] = (struct unit_recipient){.index = 9,
                                                 .address = SLICE("c@example.net"),
                                                 .orcpt = SLICE("rfc822;c@example.net"),
                                                 .quota_bytes = 1u << 30,
                                                 .notify = NOTIFY_NEVER};
    msg_unit_encode(out, &unit);
    return buf_slice(out);
}

static void test_unit_comes_back_and_no_cut_of_it_does(void **state)
{
    struct arena arena;
    struct buf out;
    struct msg_unit unit;
    struct slice bytes;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 4096);
    bytes = encode_unit(&out, &arena);
    assert_int_equal(msg_unit_decode(bytes, &arena, &unit), 0);
    assert_true(unit.message_id == UINT64_MAX);
    assert_int_equal(unit.n_recipients, 2);
    assert_true(slice_eq(unit.recipients[1].orcpt, SLICE("rfc822;c@example.net")));
    assert_int_equal(unit.recipients[1].notify, NOTIFY_NEVER);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(msg_unit_decode(slice_sub(bytes, 0, len), &arena, &unit), -EBADMSG);
    buf_add_char(&out, 'x');
    assert_int_equal(msg_unit_decode(buf_slice(&out), &arena, &unit), -EBADMSG);
    buf_done(&out);
    arena_done(&arena);
}

static void test_several_done_share_a_message(void **state)
{
    struct done_recipient recipient = {
        .index = 1, .kind = DONE_NEVER, .status = SLICE("5.1.1"), .reply = SLICE("550 no")};
    struct msg_done done = {.unit = 1, .recipients = &recipient, .n_recipients = 1};
    struct arena arena;
    struct buf out;
    struct slice rest;
    unsigned n = 0;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 4096);
    for (done.unit = 1; done.unit <= 3; done.unit++)
        msg_done_encode(&out, &done);
    rest = buf_slice(&out);
    while (rest.len) {
        struct msg_done got;
        assert_int_equal(msg_done_decode(&rest, &arena, &got), 0);
        assert_int_equal(got.unit, ++n);
        assert_true(slice_eq(got.recipients[0].reply, SLICE("550 no")));
    }
    assert_int_equal(n, 3);
    /* A status is never empty: whoever leaves it out is refused. */
    recipient.status = SLICE_NULL;
    buf_reset(&out);
    msg_done_encode(&out, &done);
    rest = buf_slice(&out);
    assert_int_equal(msg_done_decode(&rest, &arena, &(struct msg_done){0}), -EBADMSG);
    buf_done(&out);
    arena_done(&arena);
}

static void test_count_larger_than_the_payload_allocates_nothing(void **state)
{
    /* status local, empty account, no quota, 999 targets announced, none there */
    static const unsigned char bytes[] = {1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0,    0, 0, 0, 0,
                                          0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe7, 3, 0, 0};
    struct arena arena;
    struct msg_resolved resolved;

    (void)state;
    arena_init(&arena);
    assert_int_equal(msg_resolved_decode(slice_from(bytes, sizeof(bytes)), &arena, &resolved),
                     -EBADMSG);
    assert_true(arena.used < 64);
    arena_done(&arena);
}

static void test_resolve_tells_where_the_address_came_from(void **state)
{
    struct msg_resolve in = {.request = 7, .address = SLICE("a@x"), .via = SLICE("b@x")}, out;
    struct buf buf;

    (void)state;
    buf_init(&buf, 4096);
    msg_resolve_encode(&buf, &in);
    assert_int_equal(msg_resolve_decode(buf_slice(&buf), NULL, &out), 0);
    assert_int_equal(out.request, 7);
    assert_true(slice_eq(out.address, in.address));
    assert_true(slice_eq(out.via, in.via));
    buf_done(&buf);
}

static void test_taken_comes_back_and_no_cut_of_it_does(void **state)
{
    struct msg_taken in = {.segment = 0x0102030405060708, .length = 64 << 20}, out;
    struct buf buf;
    struct slice bytes;

    (void)state;
    buf_init(&buf, 4096);
    msg_taken_encode(&buf, &in);
    bytes = buf_slice(&buf);
    assert_int_equal(msg_taken_decode(bytes, NULL, &out), 0);
    assert_true(out.segment == in.segment && out.length == in.length);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(msg_taken_decode(slice_sub(bytes, 0, len), NULL, &out), -EBADMSG);
    buf_add_char(&buf, 'x');
    assert_int_equal(msg_taken_decode(buf_slice(&buf), NULL, &out), -EBADMSG);
    buf_done(&buf);
}

static void test_numbers_out_of_range_are_refused(void **state)
{
    struct msg_admin admin;
    struct msg_peer peer;
    struct msg_config_taken taken;

    (void)state;
    assert_int_equal(msg_peer_decode(slice_from((const char[]){ROLE_COUNT}, 1), NULL, &peer),
                     -EBADMSG);
    assert_int_equal(msg_peer_decode(SLICE("\x01"), NULL, &peer), 0);
    assert_int_equal(msg_admin_decode(SLICE("\0\0\0\0\x05"), NULL, &admin), -EBADMSG);
    assert_int_equal(msg_admin_decode(SLICE("\0\0\0\0\x04"), NULL, &admin), 0);
    assert_int_equal(msg_config_taken_decode(SLICE("\x02\0\0\0\0"), NULL, &taken), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unit_comes_back_and_no_cut_of_it_does),
        cmocka_unit_test(test_several_done_share_a_message),
        cmocka_unit_test(test_count_larger_than_the_payload_allocates_nothing),
        cmocka_unit_test(test_resolve_tells_where_the_address_came_from),
        cmocka_unit_test(test_taken_comes_back_and_no_cut_of_it_does),
        cmocka_unit_test(test_numbers_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
