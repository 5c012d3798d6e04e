#include "io/message.h"

#include "../cmocka_all.h"

#include <errno.h>

static void test_keys_come_back_and_no_cut_of_them_does(void **state)
{
    struct msg_key list[2] = {
        {.domain = SLICE("example.org"),
         .selector = SLICE("s1"),
         .record = SLICE("v=DKIM1; p="),
         .made_s = 1795341600,
         .seen = true},
        {.domain = SLICE("example.org"),
         .selector = SLICE("s2"),
         .record = SLICE("v=DKIM1; p="),
         .sender = SLICE("billing@example.org"),
         .retired = true},
    };
    const struct msg_keys keys = {.ends = true, .keys = list, .n_keys = 2};
    struct msg_keys got;
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 4096);
    msg_keys_encode(&out, &keys);
    assert_int_equal(msg_keys_decode(buf_slice(&out), &arena, &got), 0);
    assert_int_equal(got.n_keys, 2);
    assert_true(!got.begins && got.ends);
    assert_true(got.keys[0].seen && !got.keys[0].retired && got.keys[1].retired);
    assert_true(slice_eq(got.keys[1].sender, list[1].sender));
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(msg_keys_decode(slice_from(out.ptr, len), &arena, &got), -EBADMSG);
    buf_done(&out);
    arena_done(&arena);
}

static void test_only_a_whole_digest_is_to_be_signed(void **state)
{
    static const char bytes[33] = "0123456789abcdef0123456789abcdef";

    (void)state;
    for (size_t len = 31; len <= 33; len++) {
        const struct msg_sign sign = {.request = 7,
                                      .domain = SLICE("a.example"),
                                      .selector = SLICE("s"),
                                      .digest = slice_from(bytes, len)};
        struct msg_sign got;
        struct buf out;
        buf_init(&out, 4096);
        msg_sign_encode(&out, &sign);
        assert_int_equal(msg_sign_decode(buf_slice(&out), NULL, &got), len == 32 ? 0 : -EBADMSG);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_come_back_and_no_cut_of_them_does),
        cmocka_unit_test(test_only_a_whole_digest_is_to_be_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
