#include "smtp/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_verbs_in_any_case_and_what_follows(void **state)
{
    static const struct {
        struct slice line;
        enum smtp_verb verb;
        struct slice argument;
    } cases[] = {
        {SLICE_INIT("MAIL FROM:<a@b>"), SMTP_MAIL, SLICE_INIT("FROM:<a@b>")},
        {SLICE_INIT("mail  from:<a@b> "), SMTP_MAIL, SLICE_INIT("from:<a@b>")},
        {SLICE_INIT("QUIT"), SMTP_QUIT, SLICE_INIT("")},
        {SLICE_INIT("QUIT\t"), SMTP_QUIT, SLICE_INIT("")},
        {SLICE_INIT("MAILFROM:<a@b>"), SMTP_UNKNOWN, SLICE_INIT("")},
        {SLICE_INIT(""), SMTP_UNKNOWN, SLICE_INIT("")},
        {SLICE_INIT(" NOOP"), SMTP_UNKNOWN, SLICE_INIT("NOOP")},
        {SLICE_INIT("XCLIENT ADDR=::1"), SMTP_XCLIENT, SLICE_INIT("ADDR=::1")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct smtp_command command = smtp_command_parse(cases[i].line);
        assert_int_equal(command.verb, cases[i].verb);
        assert_true(slice_eq(command.argument, cases[i].argument));
    }
    for (enum smtp_verb verb = SMTP_UNKNOWN + 1; verb < SMTP_VERBS; verb++)
        assert_int_equal(smtp_command_parse(slice_from_cstr(smtp_verb_name(verb))).verb, verb);
}

static void test_bdat_takes_a_size_and_perhaps_last(void **state)
{
    static const struct {
        struct slice argument;
        bool good;
        uint64_t size;
        bool last;
    } cases[] = {
        {SLICE_INIT("0"), true, 0, false},
        {SLICE_INIT("86 LAST"), true, 86, true},
        {SLICE_INIT("86  last"), true, 86, true},
        {SLICE_INIT("9223372036854775807"), true, INT64_MAX, false},
        {SLICE_INIT("9223372036854775808"), false, 0, false},
        {SLICE_INIT(""), false, 0, false},
        {SLICE_INIT("-1"), false, 0, false},
        {SLICE_INIT("LAST"), false, 0, false},
        {SLICE_INIT("86 LAST LAST"), false, 0, false},
        {SLICE_INIT("86LAST"), false, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t size = 0;
        bool last = false;
        assert_int_equal(smtp_bdat_parse(cases[i].argument, &size, &last), cases[i].good);
        assert_true(size == cases[i].size);
        assert_int_equal(last, cases[i].last);
    }
}

static void test_hello_names(void **state)
{
    char long_name[SMTP_HELLO_NAME_MAX + 1];

    (void)state;
    memset(long_name, 'a', sizeof(long_name));
    assert_true(smtp_hello_name_is_valid(SLICE("mx.example.org")));
    assert_true(smtp_hello_name_is_valid(SLICE("[IPv6:::1]")));
    assert_true(smtp_hello_name_is_valid(SLICE("my_pc")));
    assert_false(smtp_hello_name_is_valid(SLICE("")));
    assert_false(smtp_hello_name_is_valid(SLICE("a b")));
    assert_false(smtp_hello_name_is_valid(SLICE("a\x01")));
    assert_true(smtp_hello_name_is_valid(slice_from(long_name, SMTP_HELLO_NAME_MAX)));
    assert_false(smtp_hello_name_is_valid(slice_from(long_name, SMTP_HELLO_NAME_MAX + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs_in_any_case_and_what_follows),
        cmocka_unit_test(test_bdat_takes_a_size_and_perhaps_last),
        cmocka_unit_test(test_hello_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
