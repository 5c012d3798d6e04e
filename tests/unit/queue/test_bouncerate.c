/* So many DSNs an hour, and the rest at once when it is over. */
#include "queue/bouncerate.h"

#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct slice joe = SLICE_INIT("joe@example.org"), ann = SLICE_INIT("ann@example.org");

static void test_the_excess_waits_for_the_hours_end(void **state)
{
    struct bouncerate *rate = bouncerate_new();
    uint64_t *messages;

    (void)state;
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(bouncerate_ask(rate, joe, i, 3, 1000));
    assert_false(bouncerate_ask(rate, joe, 4, 3, 2000));
    assert_false(bouncerate_ask(rate, joe, 5, 3, 3000));
    assert_true(bouncerate_ask(rate, ann, 6, 3, 3000));
    assert_int_equal(bouncerate_take_due(rate, 1000 + BOUNCERATE_HOUR_MS - 1, &messages), 0);
    assert_int_equal(bouncerate_take_due(rate, 1000 + BOUNCERATE_HOUR_MS, &messages), 2);
    assert_int_equal(messages[0], 4);
    assert_int_equal(messages[1], 5);
    free(messages);
    assert_int_equal(bouncerate_take_due(rate, 9000 + BOUNCERATE_HOUR_MS, &messages), 0);
    assert_true(bouncerate_ask(rate, joe, 7, 3, 9000 + BOUNCERATE_HOUR_MS));
    bouncerate_free(rate);
}

static void test_a_new_hour_begins_anew(void **state)
{
    struct bouncerate *rate = bouncerate_new();

    (void)state;
    assert_true(bouncerate_ask(rate, joe, 1, 1, 0));
    assert_false(bouncerate_ask(rate, ann, 2, 0, 0));
    assert_true(bouncerate_ask(rate, joe, 3, 1, BOUNCERATE_HOUR_MS));
    bouncerate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_excess_waits_for_the_hours_end),
        cmocka_unit_test(test_a_new_hour_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
