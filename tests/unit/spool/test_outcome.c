#include "spool/outcome.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const struct recipient added[] = {
    {.address = {"x@y.org", 7}, .class = CLASS_LOCAL, .notify = 3},
    {.address = {"z@y.org", 7}, .via = {"list@y.org", 10}, .class = CLASS_RELAY},
};

static const struct outcome_recipient recipients[] = {
    {.index = 0, .kind = OUTCOME_EXPANDED},
    {.index = 1,
     .kind = OUTCOME_PENDING,
     .flags = OUTCOME_HELD,
     .attempts = 9,
     .due_ms = 1795000000000,
     .reply = {"450 later", 9}},
};

static const struct outcome step = {
    .recipients = recipients,
    .n_recipients = 2,
    .added = added,
    .n_added = 2,
    .first_added = 2,
    .finished = true,
};

static void test_an_outcome_comes_back_as_it_was(void **state)
{
    struct outcome got;
    struct arena arena;
    struct buf buf;

    (void)state;
    arena_init(&arena);
    buf_init(&buf, 4096);
    outcome_encode(&buf, &step);
    assert_true(outcome_is_finished(buf_slice(&buf)));
    assert_int_equal(outcome_decode(buf_slice(&buf), &arena, &got), 0);
    assert_true(got.finished);
    assert_int_equal(got.n_added, 2);
    assert_int_equal(got.first_added, 2);
    assert_true(slice_eq(got.added[1].via, added[1].via));
    assert_int_equal(got.added[0].notify, 3);
    assert_int_equal(got.n_recipients, 2);
    assert_int_equal(got.recipients[1].attempts, 9);
    assert_int_equal(got.recipients[1].flags, OUTCOME_HELD);
    assert_true(got.recipients[1].due_ms == 1795000000000);
    assert_true(slice_eq(got.recipients[1].reply, SLICE("450 later")));
    buf_done(&buf);
    arena_done(&arena);
}

/* A route makes it version 2; without one, programs that know no routes can read it. */
static void test_a_route_is_kept_and_is_the_last_word(void **state)
{
    const struct outcome_recipient routed = {.index = 3, .route = SLICE("smart")};
    const struct outcome_recipient back = {.index = 3};
    const struct outcome there = {.recipients = &routed, .n_recipients = 1, .finished = true};
    const struct outcome again = {.recipients = &back, .n_recipients = 1};
    struct outcome_state sum = {0};
    struct outcome got;
    struct arena arena;
    struct buf buf;

    (void)state;
    arena_init(&arena);
    buf_init(&buf, 4096);
    outcome_encode(&buf, &there);
    assert_int_equal(buf.ptr[0], 2);
    assert_true(outcome_is_finished(buf_slice(&buf)));
    assert_int_equal(outcome_decode(buf_slice(&buf), &arena, &got), 0);
    assert_true(slice_eq(got.recipients[0].route, SLICE("smart")));
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(outcome_decode(slice_from(buf.ptr, len), &arena, &got), -EBADMSG);
    buf.ptr[0] = 1;
    assert_int_equal(outcome_decode(buf_slice(&buf), &arena, &got), -EBADMSG);
    outcome_merge(&sum, &arena, &there);
    assert_true(slice_eq(sum.recipients[0].route, SLICE("smart")));
    outcome_merge(&sum, &arena, &again);
    assert_int_equal(sum.recipients[0].route.len, 0);
    buf_reset(&buf);
    outcome_encode(&buf, &again);
    assert_int_equal(buf.ptr[0], 1);
    buf_done(&buf);
    arena_done(&arena);
}

/* A signature makes it version 3, in which a program may meet fields that it does not know. */
static void test_a_signature_is_kept(void **state)
{
    const struct outcome first = {
        .recipients = recipients, .n_recipients = 2, .signature = SLICE("DKIM-Signature: v=1\r\n")};
    struct outcome_state sum = {0};
    struct outcome got;
    struct arena arena;
    struct buf buf;

    (void)state;
    arena_init(&arena);
    buf_init(&buf, 4096);
    outcome_encode(&buf, &first);
    assert_int_equal(buf.ptr[0], 3);
    assert_false(outcome_is_finished(buf_slice(&buf)));
    assert_true(outcome_may_be_signed(buf_slice(&buf)));
    assert_int_equal(outcome_decode(buf_slice(&buf), &arena, &got), 0);
    assert_true(slice_eq(got.signature, first.signature));
    assert_int_equal(got.n_recipients, 2);
    outcome_merge(&sum, &arena, &first);
    outcome_merge(&sum, &arena, &step);
    assert_true(slice_eq(sum.signature, first.signature));
    buf_add(&buf, "\x82\x02\x00\x00\x00hi", 7);
    assert_int_equal(outcome_decode(buf_slice(&buf), &arena, &got), 0);
    assert_true(slice_eq(got.signature, first.signature));
    buf_add(&buf, "\x02\x02\x00\x00\x00hi", 7);
    assert_int_equal(outcome_decode(buf_slice(&buf), &arena, &got), -EBADMSG);
    buf_reset(&buf);
    outcome_encode(&buf, &step);
    assert_false(outcome_may_be_signed(buf_slice(&buf)));
    buf_done(&buf);
    arena_done(&arena);
}

static void test_every_cut_of_it_is_refused(void **state)
{
    struct outcome got;
    struct arena arena;
    struct buf buf;

    (void)state;
    arena_init(&arena);
    buf_init(&buf, 4096);
    outcome_encode(&buf, &step);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(outcome_decode(slice_from(buf.ptr, len), &arena, &got), -EBADMSG);
    buf_add_char(&buf, 'x');
    assert_int_equal(outcome_decode(buf_slice(&buf), &arena, &got), -EBADMSG);
    buf_done(&buf);
    arena_done(&arena);
}

static void test_merging_keeps_the_last_word_and_all_additions(void **state)
{
    const struct outcome_recipient later = {
        .index = 1, .kind = OUTCOME_RELAYED, .reply = SLICE("250 ok")};
    const struct outcome second = {
        .recipients = &later, .n_recipients = 1, .added = added, .n_added = 1, .first_added = 4};
    struct outcome_state sum = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    outcome_merge(&sum, &arena, &step);
    outcome_merge(&sum, &arena, &second);
    /* A start may see the same again. */
    outcome_merge(&sum, &arena, &step);
    outcome_merge(&sum, &arena, &second);
    assert_int_equal(sum.n_recipients, 2);
    assert_int_equal(sum.recipients[1].kind, OUTCOME_RELAYED);
    assert_true(slice_eq(sum.recipients[1].reply, SLICE("250 ok")));
    assert_int_equal(sum.first_added, 2);
    assert_int_equal(sum.n_added, 3);
    assert_true(slice_eq(sum.added[2].address, SLICE("x@y.org")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_outcome_comes_back_as_it_was),
        cmocka_unit_test(test_a_route_is_kept_and_is_the_last_word),
        cmocka_unit_test(test_a_signature_is_kept),
        cmocka_unit_test(test_every_cut_of_it_is_refused),
        cmocka_unit_test(test_merging_keeps_the_last_word_and_all_additions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
