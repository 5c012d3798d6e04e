#include "../cmocka_all.h"

#include "account/full.h"

static void test_a_note_lasts_a_minute_unless_renewed(void **state)
{
    struct full *full = full_new();

    (void)state;
    full_note(full, SLICE("a@x"), 1000);
    assert_true(full_is(full, SLICE("a@x"), 1000));
    assert_true(full_is(full, SLICE("a@x"), 1000 + FULL_MS - 1));
    assert_false(full_is(full, SLICE("a@x"), 1000 + FULL_MS));
    assert_false(full_is(full, SLICE("b@x"), 1000));
    full_note(full, SLICE("a@x"), 50000);
    assert_true(full_is(full, SLICE("a@x"), 1000 + FULL_MS));
    assert_int_equal(full_count(full, 1000 + FULL_MS), 1);
    full_forget(full, SLICE("a@x"));
    assert_false(full_is(full, SLICE("a@x"), 50001));
    full_free(full);
}

static void test_the_oldest_goes_when_all_places_are_taken(void **state)
{
    struct full *full = full_new();
    char name[32];

    (void)state;
    full_note(full, SLICE("first"), 0);
    full_note(full, SLICE("second"), 0);
    full_note(full, SLICE("first"), 1);
    for (int i = 0; i < FULL_MAX - 1; i++) {
        int n = snprintf(name, sizeof(name), "user%d", i);
        full_note(full, slice_from(name, (size_t)n), 2);
    }
    assert_int_equal(full_count(full, 3), FULL_MAX);
    assert_true(full_is(full, SLICE("first"), 3));
    assert_false(full_is(full, SLICE("second"), 3));
    full_free(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_lasts_a_minute_unless_renewed),
        cmocka_unit_test(test_the_oldest_goes_when_all_places_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
