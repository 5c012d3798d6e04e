#include "control/why_time.h"

#include "../cmocka_all.h"

#include <time.h>

static void test_points_of_time(void **state)
{
    enum { MINUTE = 60 * 1000 };
    const uint64_t now = 1795341731123; /* 2026-11-22T10:02:11.123Z */
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"10m", 1795341731123 - 10 * MINUTE},
        {"2h", 1795341731123 - 120 * MINUTE},
        {"1d", 1795341731123 - 24 * 60 * MINUTE},
        {"today", 1795305600000},
        {"yesterday", 1795219200000},
        {"2026-11-22", 1795305600000},
        {"2026-11-22T10:02", 1795341720000},
        {"2026-11-22T10:02:11Z", 1795341731000},
        {"2026-11-22 10:02:11", 1795341731000},
        {"10:02", 1795341720000},
    };
    static const char *const bad[] = {
        "", "m", "10", "10x", "tomorrowish", "2026-13-01", "25:00", "99999999999999999999m"};
    uint64_t ms;

    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(why_time_parse(slice_from_cstr(good[i].text), now, &ms));
        if (ms != good[i].ms)
            fail_msg("%s: %llu", good[i].text, (unsigned long long)ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (why_time_parse(slice_from_cstr(bad[i]), now, &ms))
            fail_msg("%s is taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
