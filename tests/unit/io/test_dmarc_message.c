#include "io/dmarc_message.h"

#include "../cmocka_all.h"

#include <errno.h>

static struct msg_dmarc_reason reasons[] = {
    {.type = DMARC_OVERRIDE_TRUSTED_FORWARDER, .comment = SLICE_INIT("sealed by lists.example")}};
static struct msg_dmarc_dkim dkim[] = {{.domain = SLICE_INIT("example.org"),
                                        .selector = SLICE_INIT("s1"),
                                        .result = SLICE_INIT("pass")},
                                       {.domain = SLICE_INIT("list.example"),
                                        .selector = SLICE_INIT("x"),
                                        .result = SLICE_INIT("fail"),
                                        .problem = SLICE_INIT("body was changed")}};

static struct msg_dmarc_row sample(void)
{
    return (struct msg_dmarc_row){.seconds = 1795341600,
                                  .policy_domain = SLICE("example.org"),
                                  .record = SLICE("v=DMARC1; p=reject; rua=mailto:d@example.org"),
                                  .author = SLICE("sub.example.org"),
                                  .organisation = SLICE("example.org"),
                                  .client = SLICE("2001:db8::1"),
                                  .envelope_to = SLICE("example.net"),
                                  .asked = DMARC_DISPOSITION_REJECT,
                                  .dkim_pass = true,
                                  .reasons = reasons,
                                  .n_reasons = 1,
                                  .dkim = dkim,
                                  .n_dkim = 2,
                                  .spf_domain = SLICE("mx.example.org"),
                                  .spf_helo = true,
                                  .spf_result = SLICE("none")};
}

static int decode(const struct msg_dmarc_row *row, struct arena *arena, struct msg_dmarc_row *got)
{
    struct buf out;
    int r;

    buf_init(&out, 1 << 20);
    msg_dmarc_row_encode(&out, row);
    r = msg_dmarc_row_decode(arena_dup(arena, buf_slice(&out)), arena, got);
    for (size_t len = 0; len < out.len && r == 0; len++) {
        struct msg_dmarc_row cut;
        assert_int_equal(msg_dmarc_row_decode(slice_from(out.ptr, len), arena, &cut), -EBADMSG);
    }
    buf_done(&out);
    return r;
}

static void test_a_row_comes_back_and_no_cut_of_it_does(void **state)
{
    const struct msg_dmarc_row row = sample();
    struct msg_dmarc_row got;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(decode(&row, &arena, &got), 0);
    assert_int_equal(got.seconds, row.seconds);
    assert_true(slice_eq(got.policy_domain, row.policy_domain));
    assert_true(slice_eq(got.author, row.author));
    assert_int_equal(got.asked, DMARC_DISPOSITION_REJECT);
    assert_true(got.dkim_pass && !got.spf_pass && !got.is_report && got.spf_helo);
    assert_int_equal(got.reasons[0].type, DMARC_OVERRIDE_TRUSTED_FORWARDER);
    assert_true(slice_eq(got.dkim[1].problem, dkim[1].problem));
    assert_true(slice_eq(got.spf_result, SLICE("none")));
    arena_done(&arena);
}

static void test_rows_beyond_their_bounds_are_refused(void **state)
{
    struct msg_dmarc_row row = sample(), got;
    char text[DMARC_ROW_RECORD_MAX + 1];
    struct arena arena;

    (void)state;
    arena_init(&arena);
    memset(text, 'a', sizeof(text));
    row.policy_domain = SLICE_NULL;
    assert_int_equal(decode(&row, &arena, &got), -EBADMSG);
    row = sample();
    row.record = slice_from(text, sizeof(text));
    assert_int_equal(decode(&row, &arena, &got), -EBADMSG);
    row = sample();
    row.author = slice_from(text, DMARC_ROW_NAME_MAX + 1);
    assert_int_equal(decode(&row, &arena, &got), -EBADMSG);
    row = sample();
    row.spf_result = SLICE_NULL;
    assert_int_equal(decode(&row, &arena, &got), -EBADMSG);
    row = sample();
    row.disposition = (enum dmarc_disposition)3;
    assert_int_equal(decode(&row, &arena, &got), -EBADMSG);
    arena_done(&arena);
}

static void test_what_is_to_be_sent_and_was_comes_back(void **state)
{
    struct slice to[] = {SLICE("a@example.org"), SLICE("b@example.net")};
    const struct msg_dmarc_send send = {.request = 7,
                                        .policy_domain = SLICE("example.org"),
                                        .report_id = SLICE("1@mx.example"),
                                        .begin = 1,
                                        .end = 2,
                                        .to = to,
                                        .n_to = 2};
    struct msg_dmarc_sent sent = {
        .request = 7, .results = {DMARC_SENT_TAKEN, DMARC_SENT_LATER}, .n_results = 2};
    struct msg_dmarc_send got_send;
    struct msg_dmarc_sent got_sent;
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 4096);
    msg_dmarc_send_encode(&out, &send);
    assert_int_equal(msg_dmarc_send_decode(buf_slice(&out), &arena, &got_send), 0);
    assert_int_equal(got_send.n_to, 2);
    assert_true(slice_eq(got_send.to[1], to[1]));
    buf_reset(&out);
    msg_dmarc_sent_encode(&out, &sent);
    assert_int_equal(msg_dmarc_sent_decode(buf_slice(&out), NULL, &got_sent), 0);
    assert_int_equal(got_sent.results[1], DMARC_SENT_LATER);
    sent.results[0] = 9;
    buf_reset(&out);
    msg_dmarc_sent_encode(&out, &sent);
    assert_int_equal(msg_dmarc_sent_decode(buf_slice(&out), NULL, &got_sent), -EBADMSG);
    buf_done(&out);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_comes_back_and_no_cut_of_it_does),
        cmocka_unit_test(test_rows_beyond_their_bounds_are_refused),
        cmocka_unit_test(test_what_is_to_be_sent_and_was_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
