/* Attempts under way, and what the log calls their recipients. */
#include "queue/attempts.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static struct attempt *begin(struct attempts *attempts, const uint32_t *indexes, uint32_t n)
{
    struct attempt *attempt = attempts_begin(attempts, n);

    for (uint32_t i = 0; i < n; i++)
        attempt->indexes[attempt->n++] = indexes[i];
    return attempt;
}

static void test_a_number_is_never_used_twice(void **state)
{
    static const uint32_t indexes[] = {0};
    struct attempts attempts;
    struct attempt *first, *second;
    uint64_t number;

    (void)state;
    attempts_init(&attempts);
    first = begin(&attempts, indexes, 1);
    number = first->number;
    assert_ptr_equal(attempts_find(&attempts, number), first);
    attempts_end(&attempts, first);
    assert_null(attempts_find(&attempts, number));
    second = begin(&attempts, indexes, 1);
    assert_ptr_equal(second, first); /* its room, not its number */
    assert_null(attempts_find(&attempts, number));
    assert_null(attempts_find(&attempts, UINT64_MAX));
    attempts_done(&attempts);
}

static void test_recipients_are_known_by_their_index(void **state)
{
    static const uint32_t indexes[] = {2, 3, 7, 900};
    struct attempts attempts;
    struct attempt *attempt;

    (void)state;
    attempts_init(&attempts);
    attempt = begin(&attempts, indexes, 4);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(attempt_has(attempt, i), i == 2 || i == 3 || i == 7 || i == 900);
    attempts_done(&attempts);
}

static void test_recipients_have_the_names_they_were_given_last(void **state)
{
    static const uint32_t indexes[] = {2, 3, 7};
    char ann[] = "ann@x.example";
    struct unit_recipient named[] = {{.address = SLICE_INIT("joe@x.example")},
                                     {.address = slice_from_cstr(ann)}};
    struct attempts attempts;
    struct attempt *attempt;

    (void)state;
    attempts_init(&attempts);
    attempt = begin(&attempts, indexes, 3);
    assert_int_equal(attempt_address(attempt, 2).len, 0);
    attempt_name(attempt, named, 1);
    attempt_name(attempt, named, 2);
    ann[0] = '?'; /* copies are kept */
    assert_true(slice_eq(attempt_address(attempt, 2), SLICE("joe@x.example")));
    assert_true(slice_eq(attempt_address(attempt, 3), SLICE("ann@x.example")));
    assert_int_equal(attempt_address(attempt, 7).len, 0);
    assert_int_equal(attempt_address(attempt, 1).len, 0);
    attempts_end(&attempts, attempt);
    assert_ptr_equal(begin(&attempts, indexes, 3), attempt);
    assert_int_equal(attempt_address(attempt, 2).len, 0); /* nothing of the last one */
    attempts_done(&attempts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_is_never_used_twice),
        cmocka_unit_test(test_recipients_are_known_by_their_index),
        cmocka_unit_test(test_recipients_have_the_names_they_were_given_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
