#include "io/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

static void test_entries_come_out_at_their_time_and_not_before(void **state)
{
    static const uint64_t deadlines[] = {1000, 1001, 1049, 1050, 1500, 51000, 40000, 1000};
    enum { N = sizeof(deadlines) / sizeof(deadlines[0]) };
    struct wheel *wheel = malloc(sizeof(*wheel));
    struct wheel_entry entries[N] = {{0}};
    unsigned out = 0;

    (void)state;
    wheel_init(wheel, 1000);
    for (unsigned i = 0; i < N; i++)
        wheel_set(wheel, &entries[i], deadlines[i]);
    for (uint64_t now = 1000; now < 60000; now++) {
        struct wheel_entry *entry;
        while ((entry = wheel_take(wheel, now))) {
            uint64_t deadline = deadlines[entry - entries];
            assert_true(now >= deadline && now <= deadline + WHEEL_TICK_MS);
            out++;
        }
        if (wheel->count)
            assert_true(wheel_next(wheel) > now);
    }
    assert_int_equal(out, N);
    assert_true(wheel_next(wheel) == UINT64_MAX);
    free(wheel);
}

static void test_a_far_deadline_comes_out_after_a_turn(void **state)
{
    struct wheel *wheel = malloc(sizeof(*wheel));
    struct wheel_entry entry = {0};
    uint64_t at;

    (void)state;
    wheel_init(wheel, 0);
    at = wheel_set(wheel, &entry, UINT64_MAX);
    assert_true(at == (uint64_t)(WHEEL_SLOTS - 1) * WHEEL_TICK_MS);
    assert_null(wheel_take(wheel, at - 1));
    assert_ptr_equal(wheel_take(wheel, at), &entry);
    free(wheel);
}

static void test_moving_removing_and_sleeping_long(void **state)
{
    struct wheel *wheel = malloc(sizeof(*wheel));
    struct wheel_entry a = {0}, b = {0};

    (void)state;
    wheel_init(wheel, 0);
    wheel_set(wheel, &a, 100);
    wheel_set(wheel, &a, 10000);
    wheel_set(wheel, &b, 200);
    wheel_remove(wheel, &b);
    wheel_remove(wheel, &b);
    assert_null(wheel_take(wheel, 9999));
    assert_ptr_equal(wheel_take(wheel, 100000000), &a);
    assert_null(wheel_take(wheel, 100000000));
    /* What is set for the past is due with the next tick. */
    wheel_set(wheel, &b, 5);
    assert_ptr_equal(wheel_take(wheel, 100000000 + WHEEL_TICK_MS), &b);
    free(wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_come_out_at_their_time_and_not_before),
        cmocka_unit_test(test_a_far_deadline_comes_out_after_a_turn),
        cmocka_unit_test(test_moving_removing_and_sleeping_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
