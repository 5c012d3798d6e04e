#include "../cmocka_all.h"

#include "queue/bouncetally.h"

static void assert_first(const struct bouncetally *tally, struct slice account, uint32_t recipients)
{
    struct slice got;
    uint32_t n;

    assert_true(bouncetally_first(tally, &got, &n));
    assert_true(slice_eq(got, account));
    assert_int_equal(n, recipients);
}

static void test_bounces_add_up_until_they_are_told(void **state)
{
    struct bouncetally *tally = bouncetally_new();
    struct slice account;
    uint32_t n;

    (void)state;
    assert_false(bouncetally_first(tally, &account, &n));
    bouncetally_add(tally, SLICE("joe@x"), 3);
    bouncetally_add(tally, SLICE("ann@x"), 1);
    bouncetally_add(tally, SLICE("joe@x"), 4);
    bouncetally_add(tally, SLICE_NULL, 9); /* mail of nobody's account */
    bouncetally_add(tally, SLICE("zoe@x"), 0);
    assert_first(tally, SLICE("joe@x"), 7);
    bouncetally_drop(tally);
    assert_first(tally, SLICE("ann@x"), 1);
    bouncetally_drop(tally);
    assert_false(bouncetally_first(tally, &account, &n));
    bouncetally_add(tally, SLICE("joe@x"), 1);
    assert_first(tally, SLICE("joe@x"), 1);
    bouncetally_free(tally);
}

static void test_it_is_bounded(void **state)
{
    struct bouncetally *tally = bouncetally_new();
    struct slice account;
    uint32_t n, accounts = 0;
    char name[32];

    (void)state;
    for (int i = 0; i < 2 * BOUNCETALLY_MAX; i++) {
        int len = snprintf(name, sizeof(name), "user%d@x", i);
        bouncetally_add(tally, slice_from(name, (size_t)len), 1);
    }
    bouncetally_add(tally, SLICE("user0@x"), UINT32_MAX - 5);
    bouncetally_add(tally, SLICE("user0@x"), UINT32_MAX - 5);
    assert_first(tally, SLICE("user0@x"), UINT32_MAX - 4);
    for (; bouncetally_first(tally, &account, &n); accounts++)
        bouncetally_drop(tally);
    assert_int_equal(accounts, BOUNCETALLY_MAX);
    bouncetally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounces_add_up_until_they_are_told),
        cmocka_unit_test(test_it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
