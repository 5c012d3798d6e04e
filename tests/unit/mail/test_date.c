#include "mail/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_dates_are_written(void **state)
{
    static const struct {
        int64_t seconds;
        int zone;
        const char *text;
    } cases[] = {
        {0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"},
        {1795341600, 0, "Sun, 22 Nov 2026 10:00:00 +0000"},
        {1795341600, 330, "Sun, 22 Nov 2026 15:30:00 +0530"},
        {1795341600, -630, "Sat, 21 Nov 2026 23:30:00 -1030"},
        {951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"},
        {-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"},
        {4107542399, 0, "Sun, 28 Feb 2100 23:59:59 +0000"},
        {4107542400, 0, "Mon, 1 Mar 2100 00:00:00 +0000"},
        {253402300799, 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
        {INT64_MAX, 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
        {INT64_MIN, 0, "Sat, 1 Jan 0000 00:00:00 +0000"},
        {INT64_MAX, INT32_MAX, "Fri, 31 Dec 9999 23:59:59 +9959"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(date_format(cases[i].seconds, cases[i].zone).text, cases[i].text);
}

static void test_dates_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"Sun, 22 Nov 2026 10:00:00 +0000", 1795341600},
        {"22 Nov 2026 10:00:00 +0000", 1795341600},
        {"sun,22 nov 2026 15:30 +0530", 1795341600},
        {"Sun, 22 Nov 2026 10:00:00 GMT", 1795341600},
        {"Sun, 22 Nov 2026 10:00:00 -0000 (UTC (really))", 1795341600},
        {"Sun\r\n , (c) 22 (\\)) Nov\r\n\t2026 10 : 00 : 00 Z", 1795341600},
        {"Sun, 22 Nov 2026 05:00:00 EST", 1795341600},
        {"Sun, 22 Nov 2026 03:00:00 pdt", 1795341600},
        {"Sun, 22 Nov 2026 10:00:00 CEST", 1795341600},
        {"Sun, 22 Nov 26 10:00:00", 1795341600},
        {"22 Nov 126 10:00:00 +0000", 1795341600},
        {"01 Jan 70 00:00 +0000", 0},
        {"1 Jan 49 00:00 +0000", 2493072000},
        {"31 Dec 2016 23:59:60 +0000", 1483228800},
        {"Mon, 22 Nov 2026 10:00:00 +0000", 1795341600},
        {"1 Jan 0000 00:00 +0000", -62167219200},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got = 0;
        if (!date_parse(slice_from_cstr(cases[i].text), &got) || got != cases[i].seconds)
            fail_msg("%s: %lld", cases[i].text, (long long)got);
    }
}

static void test_what_is_no_date(void **state)
{
    static const char *const cases[] = {
        "",
        "Sun",
        "Sun,",
        "Sun 22 Nov 2026 10:00:00 +0000",
        "0 Nov 2026 10:00:00 +0000",
        "31 Nov 2026 10:00:00 +0000",
        "29 Feb 2100 10:00:00 +0000",
        "32 Dec 2026 10:00:00 +0000",
        "22 Nob 2026 10:00:00 +0000",
        "22 November 2026 10:00:00 +0000",
        "22 11 2026 10:00:00 +0000",
        "22 Nov 2 10:00:00 +0000",
        "22 Nov 20260 10:00:00 +0000",
        "22 Nov 2026",
        "22 Nov 2026 10",
        "22 Nov 2026 24:00:00 +0000",
        "22 Nov 2026 10:60:00 +0000",
        "22 Nov 2026 10:00:61 +0000",
        "22 Nov 2026 10:00:00 +000",
        "22 Nov 2026 10:00:00 +0060",
        "22 Nov 2026 10:00:00 +00000",
        "22 Nov 2026 10:00:00 +0000 x",
        "22 Nov 2026 10:00:00 +0000 (",
        ("22 Nov 2026 10:00:00 +0000 "
         "((((((((((((((((((((((((((((((((())))))))))))))))))))))))))))))))))"),
        "-2 Nov 2026 10:00:00 +0000",
        "2026-11-22T10:00:00Z",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got;
        if (date_parse(slice_from_cstr(cases[i]), &got))
            fail_msg("%s is taken for a date", cases[i]);
    }
}

/* Days of the whole range (but its ends, which a zone would leave), hours and odd zones. */
static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (int64_t day = -719527; day < 2932896; day += 13) {
        int64_t seconds = day * 86400 + (day % 86400 + 86400) % 86400;
        int64_t got = 0;
        struct date_text text = date_format(seconds, (int)(day % 700));
        if (!date_parse(slice_from_cstr(text.text), &got) || got != seconds)
            fail_msg("%lld: %s", (long long)seconds, text.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_are_written),
        cmocka_unit_test(test_dates_are_read),
        cmocka_unit_test(test_what_is_no_date),
        cmocka_unit_test(test_what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
