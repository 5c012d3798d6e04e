#include "mail/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        size_t len; /* 0: not a status */
        const char *again;
    } cases[] = {
        {"5.1.1", 5, "5.1.1"},
        {"5.1.1 no such user", 6, "5.1.1"},
        {"2.0.0\tok", 6, "2.0.0"},
        {"4.999.999", 9, "4.999.999"},
        {"5.7.25  two blanks", 7, "5.7.25"},
        {"", 0, NULL},
        {"5", 0, NULL},
        {"5.1", 0, NULL},
        {"5.1.", 0, NULL},
        {"5..1", 0, NULL},
        {".1.1", 0, NULL},
        {"5.1.1.1", 0, NULL},
        {"5.1.1:", 0, NULL},
        {"3.1.1", 0, NULL},
        {"1.1.1", 0, NULL},
        {"55.1.1", 0, NULL},
        {"5.1000.1", 0, NULL},
        {"5.01.1", 0, NULL},
        {"5.+1.1", 0, NULL},
        {" 5.1.1", 0, NULL},
        {"user 5.1.1", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct status status;
        size_t len = 0;
        bool good = status_parse(slice_from_cstr(cases[i].text), &status, &len);

        if (good != (cases[i].len > 0) || len != cases[i].len)
            fail_msg("%s: %d, %zu", cases[i].text, good, len);
        if (good)
            assert_string_equal(status_format(status).text, cases[i].again);
    }
}

static void test_replies(void **state)
{
    static const struct {
        unsigned code;
        const char *text;
        const char *want;
    } cases[] = {
        {550, "5.1.1 no such user", "5.1.1"},
        {550, "no such user", "5.0.0"},
        {550, "4.1.1 wrong class", "5.0.0"},
        {552, "full", "5.2.2"},
        {452, "full", "4.3.1"},
        {250, "ok", "2.0.0"},
        {250, "2.1.5 ok", "2.1.5"},
        {421, "bye", "4.3.2"},
        {354, "go ahead", "4.5.0"},
        {0, "", "4.5.0"},
        {999, "5.1.1", "4.5.0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct status status = status_of_reply(cases[i].code, slice_from_cstr(cases[i].text));
        assert_string_equal(status_format(status).text, cases[i].want);
    }
}

static void test_format_never_overruns(void **state)
{
    (void)state;
    assert_string_equal(status_format(STATUS(255, 65535, 65535)).text, "9.999.999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_format_never_overruns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
