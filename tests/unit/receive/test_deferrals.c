/* How long something has been tried. */
#include "receive/deferrals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_age(void **state)
{
    struct deferrals *deferrals = deferrals_new();

    (void)state;
    assert_int_equal(deferrals_age(deferrals, 7, 1000), 0);
    assert_int_equal(deferrals_age(deferrals, 8, 1500), 0);
    assert_int_equal(deferrals_age(deferrals, 7, 61000), 60000);
    assert_int_equal(deferrals_age(deferrals, 7, 1000 + (uint64_t)DEFERRALS_KEEP_MS),
                     DEFERRALS_KEEP_MS);
    assert_int_equal(deferrals_age(deferrals, 7, 1001 + (uint64_t)DEFERRALS_KEEP_MS), 0);
    deferrals_free(deferrals);
}

/* When there is no room nobody is put off; later the oldest makes room. */
static void test_full(void **state)
{
    const uint64_t later = 5 * 3600 * 1000;
    struct deferrals *deferrals = deferrals_new();

    (void)state;
    for (uint64_t key = 1; key <= DEFERRALS_MAX; key++)
        assert_int_equal(deferrals_age(deferrals, key, key), 0);
    assert_true(deferrals_age(deferrals, DEFERRALS_MAX + 1, 20000) == UINT64_MAX);
    assert_int_equal(deferrals_age(deferrals, 1, 20000), 19999);
    assert_int_equal(deferrals_age(deferrals, DEFERRALS_MAX + 1, later), 0);
    assert_int_equal(deferrals_age(deferrals, 2, later), later - 2);
    assert_int_equal(deferrals_age(deferrals, 1, later), 0);
    deferrals_free(deferrals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_age), cmocka_unit_test(test_full)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
