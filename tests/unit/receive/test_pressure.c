#include "receive/pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_unread_is_what_lies_between(void **state)
{
    struct pressure pressure = {.heard = false};

    (void)state;
    pressure_taken(&pressure, 7, 5000);
    assert_int_equal(pressure_unread(&pressure), 0); /* nothing was published */
    pressure_published(&pressure, 12, 8192);
    assert_int_equal(pressure_unread(&pressure), 8192); /* 7 was of a former life */
    pressure_taken(&pressure, 12, 4096);
    assert_int_equal(pressure_unread(&pressure), 4096);
    pressure_published(&pressure, 12, 20480);
    assert_int_equal(pressure_unread(&pressure), 16384);
    /* The next segment has whatever number and begins where the last one ended. */
    pressure_published(&pressure, 15, 4096);
    assert_int_equal(pressure_unread(&pressure), 20480);
    /* Read to the end of the file, which lies behind what was used of it. */
    pressure_taken(&pressure, 12, 1 << 20);
    assert_int_equal(pressure_unread(&pressure), 4096);
    pressure_taken(&pressure, 15, 4096);
    assert_int_equal(pressure_unread(&pressure), 0);
    /* It waits for the segment that will be next. */
    pressure_taken(&pressure, 16, 4096);
    assert_int_equal(pressure_unread(&pressure), 0);
}

static void test_a_queue_that_is_away_counts_for_nothing(void **state)
{
    struct pressure pressure = {.heard = false};

    (void)state;
    pressure_published(&pressure, 1, 1 << 30);
    assert_int_equal(pressure_unread(&pressure), 0);
    pressure_taken(&pressure, 1, 4096);
    assert_int_equal(pressure_unread(&pressure), (1 << 30) - 4096);
    pressure_forget(&pressure);
    assert_int_equal(pressure_unread(&pressure), 0);
    pressure_published(&pressure, 2, 4096);
    assert_int_equal(pressure_unread(&pressure), 0);
    pressure_taken(&pressure, 1, 1 << 30);
    assert_int_equal(pressure_unread(&pressure), 4096);
}

static void test_segments_of_long_ago_are_all_unread(void **state)
{
    struct pressure pressure = {.heard = false};

    (void)state;
    pressure_taken(&pressure, 1, 4096);
    for (unsigned i = 1; i <= PRESSURE_SEGMENTS; i++)
        pressure_published(&pressure, i, 1000);
    assert_int_equal(pressure_unread(&pressure), (PRESSURE_SEGMENTS - 1) * 1000);
    /* The first is forgotten; what is remembered still counts. */
    pressure_published(&pressure, PRESSURE_SEGMENTS + 1, 1000);
    assert_int_equal(pressure_unread(&pressure), PRESSURE_SEGMENTS * 1000);
    pressure_taken(&pressure, PRESSURE_SEGMENTS + 1, 1000);
    assert_int_equal(pressure_unread(&pressure), 0);
}

static void test_delay_grows_with_the_backlog(void **state)
{
    static const struct {
        uint64_t unread_mib;
        unsigned delay_ms;
        bool refuses;
    } cases[] = {
        {0, 0, false},     {32, 0, false},     {40, 250, false},  {48, 500, false},
        {64, 1000, false}, {511, 1000, false}, {512, 1000, true}, {1 << 30, 1000, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(pressure_delay_ms(cases[i].unread_mib << 20), cases[i].delay_ms);
        assert_int_equal(pressure_refuses(cases[i].unread_mib << 20), cases[i].refuses);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unread_is_what_lies_between),
        cmocka_unit_test(test_a_queue_that_is_away_counts_for_nothing),
        cmocka_unit_test(test_segments_of_long_ago_are_all_unread),
        cmocka_unit_test(test_delay_grows_with_the_backlog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
