#include "dns/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const struct dns_answer secure = {.result = DNS_FOUND, .security = DNS_SECURE},
                               bogus = {.result = DNS_FAILED, .security = DNS_BOGUS},
                               away = {.result = DNS_FAILED};

static void test_a_broken_zone_is_believed_after_one_probe(void **state)
{
    struct chain chain = {0};

    (void)state;
    assert_int_equal(chain_on_bogus(&chain, 1000), CHAIN_PROBE);
    assert_int_equal(chain_on_bogus(&chain, 1001), CHAIN_HOLD);
    assert_int_equal(chain_on_probe(&chain, 1002, &secure), CHAIN_SAME);
    assert_int_equal(chain_on_bogus(&chain, 1003), CHAIN_BELIEVE);
    assert_int_equal(chain_on_bogus(&chain, 1002 + CHAIN_GOOD_MS), CHAIN_PROBE);
    assert_false(chain_wants_probe(&chain, 1000000));
}

static void test_a_resolver_that_strips_dnssec(void **state)
{
    struct chain chain = {0};

    (void)state;
    assert_int_equal(chain_on_bogus(&chain, 1000), CHAIN_PROBE);
    assert_int_equal(chain_on_probe(&chain, 1001, &bogus), CHAIN_OFF);
    assert_int_equal(chain_on_bogus(&chain, 1002), CHAIN_REASK);
    assert_false(chain_wants_probe(&chain, 1002));
    assert_true(chain_wants_probe(&chain, 1001 + CHAIN_AGAIN_MS));
    assert_false(chain_wants_probe(&chain, 1001 + CHAIN_AGAIN_MS));
    assert_int_equal(chain_on_probe(&chain, 400000, &bogus), CHAIN_SAME);
    assert_true(chain_wants_probe(&chain, 400000 + CHAIN_AGAIN_MS));
    assert_int_equal(chain_on_probe(&chain, 800000, &secure), CHAIN_ON);
    assert_int_equal(chain_on_bogus(&chain, 800001), CHAIN_BELIEVE);
}

static void test_a_resolver_that_is_away_strips_nothing(void **state)
{
    struct chain chain = {0};

    (void)state;
    assert_int_equal(chain_on_bogus(&chain, 1000), CHAIN_PROBE);
    assert_int_equal(chain_on_probe(&chain, 1001, &away), CHAIN_SAME);
    assert_int_equal(chain_on_bogus(&chain, 1002), CHAIN_PROBE);
}

static void test_what_has_worked_is_not_given_up_at_once(void **state)
{
    struct chain chain = {0};

    (void)state;
    chain_on_secure(&chain);
    assert_int_equal(chain_on_bogus(&chain, 1000), CHAIN_PROBE);
    assert_int_equal(chain_on_probe(&chain, 1001, &bogus), CHAIN_SAME);
    assert_int_equal(chain_on_bogus(&chain, 2000), CHAIN_PROBE);
    assert_int_equal(chain_on_probe(&chain, 1000 + CHAIN_DOUBT_MS, &bogus), CHAIN_SAME);
    chain_on_secure(&chain);
    assert_int_equal(chain_on_bogus(&chain, 200000), CHAIN_PROBE);
    assert_int_equal(chain_on_probe(&chain, 200001, &bogus), CHAIN_SAME);
    assert_int_equal(chain_on_bogus(&chain, 200001 + CHAIN_DOUBT_MS), CHAIN_PROBE);
    assert_int_equal(chain_on_probe(&chain, 200001 + CHAIN_DOUBT_MS, &bogus), CHAIN_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_broken_zone_is_believed_after_one_probe),
        cmocka_unit_test(test_a_resolver_that_strips_dnssec),
        cmocka_unit_test(test_a_resolver_that_is_away_strips_nothing),
        cmocka_unit_test(test_what_has_worked_is_not_given_up_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
