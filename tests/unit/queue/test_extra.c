/* What only some messages have, and when it may go. */
#include "queue/extra.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_it_goes_when_nothing_is_in_it(void **state)
{
    struct ledger ledger;
    struct message *message;

    (void)state;
    ledger_init(&ledger);
    message = ledger_add(&ledger, 7, 1, (struct spool_location){0}, 0);
    extra_of(message)->sites = 1;
    extra_free_if_empty(message);
    assert_non_null(message->extra);
    message->extra->sites = 0;
    extra_free_if_empty(message);
    assert_null(message->extra);
    ledger_done(&ledger);
}

/* It is emptied whenever the answers of a wait are there, which comes after the change too. */
static void test_a_route_that_was_chosen_stays(void **state)
{
    struct ledger ledger;
    struct message *message;

    (void)state;
    ledger_init(&ledger);
    message = ledger_add(&ledger, 7, 2, (struct spool_location){0}, 0);
    extra_set_route(message, 1, SLICE("smarthost"));
    extra_free_if_empty(message);
    assert_true(slice_eq(extra_route(message, 1), SLICE("smarthost")));
    assert_int_equal(extra_route(message, 0).len, 0);
    ledger_done(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_goes_when_nothing_is_in_it),
        cmocka_unit_test(test_a_route_that_was_chosen_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
