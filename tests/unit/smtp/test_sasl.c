#include "smtp/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_auth_has_a_mechanism_and_perhaps_a_response(void **state)
{
    static const struct {
        struct slice argument;
        unsigned code;
        struct slice mechanism, initial;
        bool has_initial;
    } cases[] = {
        {SLICE_INIT("PLAIN"), 0, SLICE_INIT("PLAIN"), SLICE_INIT(""), false},
        {SLICE_INIT("plain AGE="), 0, SLICE_INIT("plain"), SLICE_INIT("AGE="), true},
        {SLICE_INIT("PLAIN  ="), 0, SLICE_INIT("PLAIN"), SLICE_INIT("="), true},
        {SLICE_INIT("X_9-Z a b"), 0, SLICE_INIT("X_9-Z"), SLICE_INIT("a b"), true},
        {SLICE_INIT("A23456789012345678901"), 501, SLICE_INIT(""), SLICE_INIT(""), false},
        {SLICE_INIT("A2345678901234567890"), 0, SLICE_INIT("A2345678901234567890"), SLICE_INIT(""),
         false},
        {SLICE_INIT(""), 501, SLICE_INIT(""), SLICE_INIT(""), false},
        {SLICE_INIT("PLAIN\tAGE="), 501, SLICE_INIT(""), SLICE_INIT(""), false},
        {SLICE_INIT("PL@IN"), 501, SLICE_INIT(""), SLICE_INIT(""), false},
        {SLICE_INIT("="), 501, SLICE_INIT(""), SLICE_INIT(""), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct smtp_auth auth = {.has_initial = false};
        assert_int_equal(smtp_auth_parse(cases[i].argument, &auth).code, cases[i].code);
        assert_true(slice_eq(auth.mechanism, cases[i].mechanism));
        assert_true(slice_eq(auth.initial, cases[i].initial));
        assert_int_equal(auth.has_initial, cases[i].has_initial);
    }
}

static void test_responses_are_strict_base64(void **state)
{
    static const struct {
        struct slice line;
        enum smtp_sasl_line response, initial;
        struct slice decoded;
    } cases[] = {
        {SLICE_INIT("AGpvZQBz"), SMTP_SASL_RESPONSE, SMTP_SASL_RESPONSE, SLICE_INIT("\0joe\0s")},
        {SLICE_INIT("YQ=="), SMTP_SASL_RESPONSE, SMTP_SASL_RESPONSE, SLICE_INIT("a")},
        {SLICE_INIT(""), SMTP_SASL_RESPONSE, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("="), SMTP_SASL_BAD, SMTP_SASL_RESPONSE, SLICE_INIT("")},
        {SLICE_INIT("*"), SMTP_SASL_CANCEL, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("**"), SMTP_SASL_BAD, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("YQ="), SMTP_SASL_BAD, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("YQ"), SMTP_SASL_BAD, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("Y==="), SMTP_SASL_BAD, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("YQ==YQ=="), SMTP_SASL_BAD, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT(" YQ= "), SMTP_SASL_BAD, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("Y-_="), SMTP_SASL_BAD, SMTP_SASL_BAD, SLICE_INIT("")},
        {SLICE_INIT("YWFhYWFhYWFhYWFhYWFh"), SMTP_SASL_LONG, SMTP_SASL_LONG, SLICE_INIT("")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        buf_init(&out, 15);
        assert_int_equal(smtp_sasl_response(cases[i].line, &out), cases[i].response);
        if (cases[i].response == SMTP_SASL_RESPONSE)
            assert_true(slice_eq(buf_slice(&out), cases[i].decoded));
        buf_reset(&out);
        assert_int_equal(smtp_sasl_initial(cases[i].line, &out), cases[i].initial);
        if (cases[i].initial == SMTP_SASL_RESPONSE)
            assert_true(slice_eq(buf_slice(&out), cases[i].decoded));
        buf_done(&out);
    }
}

static void test_a_response_is_decoded_in_place(void **state)
{
    struct buf line, out;
    const char *first;

    (void)state;
    buf_init(&line, SIZE_MAX);
    buf_init(&out, 12 * 1024);
    for (unsigned i = 0; i < SMTP_SASL_LINE_MAX - 2; i++)
        buf_add_char(&line, 'A');
    first = buf_reserve(&out, (SMTP_SASL_LINE_MAX - 2) / 4 * 3 + 1);
    assert_int_equal(smtp_sasl_response(buf_slice(&line), &out), SMTP_SASL_RESPONSE);
    assert_ptr_equal(out.ptr, first);
    assert_int_equal(out.len, 9216);
    buf_done(&line);
    buf_done(&out);
}

static void test_challenges(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, SIZE_MAX);
    smtp_sasl_challenge(&out, SLICE("Username:"));
    smtp_sasl_challenge(&out, SLICE_NULL);
    assert_true(slice_eq(buf_slice(&out), SLICE("334 VXNlcm5hbWU6\r\n334 \r\n")));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_has_a_mechanism_and_perhaps_a_response),
        cmocka_unit_test(test_responses_are_strict_base64),
        cmocka_unit_test(test_a_response_is_decoded_in_place),
        cmocka_unit_test(test_challenges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
