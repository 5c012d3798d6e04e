/* The retry schedule, and wall clocks that jump. */
#include "queue/retry.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
static const struct retry_rules rules = {
    .first_ms = 5 * MINUTE, .max_ms = 4 * HOUR, .expire_after_ms = (uint64_t)5 * DAY};
static const uint64_t YEAR = (uint64_t)365 * DAY, WALL = 1795300000000;
#define NOW (QUEUE_TIME_START + 1000000)

static void test_delays_double_up_to_the_longest(void **state)
{
    static const unsigned minutes[] = {5, 10, 20, 40, 80, 160, 240, 240};

    (void)state;
    for (unsigned i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        for (uint64_t seed = 0; seed < 100; seed++) {
            uint64_t delay = retry_delay_ms(&rules, i + 1, seed);
            assert_in_range(delay, minutes[i] * MINUTE * 7 / 8, minutes[i] * MINUTE * 9 / 8);
        }
    }
    assert_in_range(retry_delay_ms(&rules, 60000, 1), 3 * HOUR, 5 * HOUR);
}

static void test_jitter_is_by_seed_and_spreads(void **state)
{
    uint64_t least = UINT64_MAX, most = 0;

    (void)state;
    assert_int_equal(retry_delay_ms(&rules, 1, 42), retry_delay_ms(&rules, 1, 42));
    for (uint64_t seed = 0; seed < 1000; seed++) {
        uint64_t delay = retry_delay_ms(&rules, 1, seed);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    assert_true(most - least > MINUTE);
}

static void test_ticks_never_come_early(void **state)
{
    (void)state;
    assert_int_equal(retry_from_tick(retry_tick(NOW + 1)), NOW + TICK_MS);
    assert_int_equal(retry_from_tick(retry_tick(NOW)), NOW);
}

static void test_border_of_wall_time(void **state)
{
    (void)state;
    assert_int_equal(retry_from_past(NOW, WALL, WALL - 5000), NOW - 5000);
    assert_int_equal(retry_from_past(NOW, WALL, WALL + YEAR), NOW);
    assert_true(retry_from_past(NOW, WALL, 0) < NOW - YEAR);
    assert_int_equal(retry_from_future(NOW, WALL, WALL + 5000, HOUR), NOW + 5000);
    assert_int_equal(retry_from_future(NOW, WALL, WALL - YEAR, HOUR), NOW);
    assert_int_equal(retry_from_future(NOW, WALL, WALL + 10 * YEAR, HOUR), NOW + HOUR);
    assert_int_equal(retry_to_wall(NOW, WALL, NOW + 7000), WALL + 7000);
    assert_int_equal(retry_to_wall(NOW, WALL, NOW - 7000), WALL - 7000);
}

static void test_an_age_of_years_is_not_believed(void **state)
{
    uint64_t born;

    (void)state;
    assert_true(retry_born(&rules, NOW, WALL, WALL - 4 * (uint64_t)DAY, &born));
    assert_int_equal(born, NOW - 4 * (uint64_t)DAY);
    assert_false(retry_born(&rules, NOW, WALL + 3 * YEAR, WALL, &born));
    assert_int_equal(born, NOW);
    assert_true(retry_born(&rules, NOW, WALL - 9 * YEAR, WALL, &born));
    assert_int_equal(born, NOW);
}

static void test_attempts_tell_an_age(void **state)
{
    (void)state;
    assert_int_equal(retry_schedule_ms(&rules, 0), 0);
    assert_int_equal(retry_schedule_ms(&rules, 3), 35 * MINUTE);
    /* So many attempts are not made in less than the five days after which a message expires. */
    assert_true(retry_schedule_ms(&rules, 40) > rules.expire_after_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delays_double_up_to_the_longest),
        cmocka_unit_test(test_jitter_is_by_seed_and_spreads),
        cmocka_unit_test(test_ticks_never_come_early),
        cmocka_unit_test(test_border_of_wall_time),
        cmocka_unit_test(test_an_age_of_years_is_not_believed),
        cmocka_unit_test(test_attempts_tell_an_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
