#include "local/verdict.h"

#include "io/channel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_exit_codes(void **state)
{
    static const struct {
        struct msg_ran ran;
        enum done_kind kind;
        const char *status;
    } cases[] = {
        {{.started = true, .status = 0}, DONE_OK, "2.0.0"},
        {{.started = true, .status = 64}, DONE_NEVER, "5.3.0"},
        {{.started = true, .status = 65}, DONE_NEVER, "5.6.0"},
        {{.started = true, .status = 67}, DONE_NEVER, "5.1.1"},
        {{.started = true, .status = 68}, DONE_NEVER, "5.1.2"},
        {{.started = true, .status = 69}, DONE_NEVER, "5.3.0"},
        {{.started = true, .status = 73}, DONE_NEVER, "5.2.0"},
        {{.started = true, .status = 75}, DONE_LATER, "4.3.0"},
        {{.started = true, .status = 77}, DONE_NEVER, "5.7.0"},
        {{.started = true, .status = 78}, DONE_NEVER, "5.3.5"},
        {{.started = true, .status = 1}, DONE_LATER, "4.3.0"},
        {{.started = true, .status = 79}, DONE_LATER, "4.3.0"},
        {{.started = true, .status = 127}, DONE_LATER, "4.3.0"},
        {{.started = true, .status = 256 + 11}, DONE_LATER, "4.3.0"},
        {{.started = true, .status = 0, .timed_out = true}, DONE_LATER, "4.3.0"},
        {{.started = false}, DONE_LATER, "4.3.5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verdict verdict = {0};
        verdict_from_run(&verdict, SLICE("archive"), &cases[i].ran);
        assert_int_equal(verdict.kind, cases[i].kind);
        assert_string_equal(verdict.status, cases[i].status);
        assert_non_null(strstr(verdict.reply, "program archive"));
    }
}

static void test_the_programs_words_are_told(void **state)
{
    const struct msg_ran ran = {.started = true, .status = 67, .text = SLICE("no such list")};
    struct verdict verdict = {0};

    (void)state;
    verdict_from_run(&verdict, SLICE("lists"), &ran);
    assert_string_equal(verdict.reply, "program lists exited with 67: no such list");
}

static void test_trouble_with_the_store_is_never_final(void **state)
{
    static const int errors[] = {ENOSPC, EDQUOT, EROFS, EACCES, EIO, ENOENT, ELOOP, EMFILE, EINVAL};

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct verdict verdict = {0};
        verdict_from_errno(&verdict, errors[i], SLICE("/state/mail/x"));
        assert_int_equal(verdict.kind, DONE_LATER);
        assert_string_equal(verdict.status,
                            errors[i] == ENOSPC || errors[i] == EDQUOT ? "4.3.1" : "4.3.0");
        assert_non_null(strstr(verdict.reply, "/state/mail/x"));
    }
}

/* Long replies for thousands of recipients are cut, so that the outcome always fits a message. */
static void test_an_outcome_fits_a_message(void **state)
{
    enum { N = 4000 };
    struct unit_recipient *recipients = xcalloc(N, sizeof(*recipients));
    struct verdict *verdicts = xcalloc(N, sizeof(*verdicts));
    const struct msg_unit unit = {.unit = 9, .recipients = recipients, .n_recipients = N};
    struct slice payload;
    struct msg_done done;
    struct arena arena;
    struct buf out;

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        recipients[i].index = i + 5;
        verdict_set(&verdicts[i], DONE_LATER, "4.3.0", "%0300d", 7);
    }
    arena_init(&arena);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    verdict_encode_done(&out, &unit, verdicts, 12, &arena);
    assert_false(out.overflow);
    payload = buf_slice(&out);
    assert_int_equal(msg_done_decode(&payload, &arena, &done), 0);
    assert_int_equal(done.n_recipients, N);
    assert_int_equal(done.recipients[N - 1].index, N + 4);
    assert_int_equal(done.recipients[N - 1].kind, DONE_LATER);
    assert_int_equal(done.duration_ms, 12);
    buf_done(&out);
    arena_done(&arena);
    free(recipients);
    free(verdicts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_the_programs_words_are_told),
        cmocka_unit_test(test_trouble_with_the_store_is_never_final),
        cmocka_unit_test(test_an_outcome_fits_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
