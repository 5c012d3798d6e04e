#include "../cmocka_all.h"

#include "account/throttle.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const struct throttle_rules rules = {
    .failures = 5, .block_first_ms = MINUTE, .block_max_ms = DAY};
static const struct slice joe = SLICE_INIT("joe@example.org"), ann = SLICE_INIT("ann@example.org");
static const struct slice home = SLICE_INIT("192.0.2.1"), cafe = SLICE_INIT("198.51.100.7");
static struct throttle *throttle;

static int set_up(void **state)
{
    (void)state;
    throttle = throttle_new(&rules);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    throttle_free(throttle);
    return 0;
}

static bool may(struct slice address, struct slice account, uint64_t now)
{
    uint64_t until = 0;
    bool yes = throttle_may_try(throttle, address, account, now, &until);

    assert_true(yes ? until == 0 : until > now);
    return yes;
}

/* Returns how many blocks began with the last one. */
static unsigned fail_times(unsigned n, struct slice address, struct slice account, uint64_t now)
{
    struct throttle_block blocks[2];
    unsigned began = 0;

    for (unsigned i = 0; i < n; i++)
        began = throttle_failed(throttle, address, account, now, blocks);
    return began;
}

static struct slice stranger(unsigned n)
{
    static char text[32];
    int len = snprintf(text, sizeof(text), "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255, n & 255);

    return slice_from(text, (size_t)len);
}

static void test_what_an_address_counts_as(void **state)
{
    static const struct {
        const char *address, *subject;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:201", "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:DB8:1:2::", "2001:db8:1:2::/64"},
        {"2001:0db8:0:0:ffff::1", "2001:db8::/64"},
        {"::1", "::/64"},
        {"fe80::1%eth0", "fe80::/64"},
        {"", ""},
        {"192.0.2", ""},
        {"192.0.2.1.example.org", ""},
        {"unix:/run/x", ""},
        {"2001:db8:1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17", ""},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice got = throttle_subject_of(&arena, slice_from_cstr(cases[i].address));
        if (!slice_eq(got, slice_from_cstr(cases[i].subject)))
            fail_msg("%s counts as %.*s", cases[i].address, SLICE_ARG(got));
    }
    arena_done(&arena);
}

static void test_an_address_is_blocked_for_twice_as_long_each_time(void **state)
{
    struct throttle_block blocks[2];
    uint64_t now = 1000, length = MINUTE;

    (void)state;
    assert_int_equal(fail_times(4, home, joe, now), 0);
    assert_true(may(home, joe, now));
    for (unsigned n = 5; n < 30; n++) {
        assert_int_equal(throttle_failed(throttle, home, stranger(n), now, blocks), 1);
        assert_int_equal(blocks[0].kind, THROTTLE_ADDRESS);
        assert_true(slice_eq(blocks[0].subject, home));
        assert_int_equal(blocks[0].failures, n);
        assert_true(blocks[0].until_ms == now + length);
        assert_false(may(home, ann, now + length - 1));
        assert_false(may(home, SLICE_NULL, now + length - 1));
        assert_true(may(cafe, ann, now));
        now += length;
        assert_true(may(home, ann, now));
        length = length * 2 < DAY ? length * 2 : DAY;
    }
}

static void test_failures_during_a_block_change_nothing(void **state)
{
    uint64_t until = 0;

    (void)state;
    assert_int_equal(fail_times(5, home, joe, 0), 1);
    assert_int_equal(fail_times(1000, home, joe, 10), 0);
    assert_false(throttle_may_try(throttle, home, joe, 10, &until));
    assert_true(until == MINUTE);
    /* Nor do they lengthen the next. */
    assert_int_equal(fail_times(1, home, joe, MINUTE), 1);
    assert_false(throttle_may_try(throttle, home, joe, MINUTE, &until));
    assert_true(until == 3 * MINUTE);
}

static void test_a_quiet_day_forgets(void **state)
{
    (void)state;
    fail_times(4, home, joe, 0);
    assert_int_equal(fail_times(1, home, joe, DAY), 0);
    assert_int_equal(fail_times(3, home, joe, DAY + 1), 0);
    assert_int_equal(fail_times(1, home, joe, 2 * DAY - 1), 1);
}

static void test_the_whole_64_counts_as_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "2001:db8:1:2:%x::%x", i, i);
        fail_times(1, slice_from(text, (size_t)len), stranger(i), 0);
    }
    assert_false(may(SLICE("2001:db8:1:2::99"), joe, 1));
    assert_true(may(SLICE("2001:db8:1:3::99"), joe, 1));
}

static void test_ipv4_in_ipv6_is_ipv4(void **state)
{
    (void)state;
    fail_times(5, SLICE("::ffff:192.0.2.1"), joe, 0);
    assert_false(may(home, joe, 1));
    assert_true(may(SLICE("::ffff:192.0.2.2"), joe, 1));
}

static void test_no_spelling_has_a_count_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        fail_times(1, stranger(i), i & 1 ? SLICE("Joe@Example.ORG") : joe, 0);
    assert_false(may(cafe, joe, 1));
    assert_false(may(cafe, SLICE("JOE@example.org"), 1));
}

static void test_a_distributed_guess_does_not_lock_out_the_owner(void **state)
{
    struct throttle_block blocks[2];
    uint64_t until = 0;

    (void)state;
    throttle_succeeded(throttle, home, joe, 0);
    for (unsigned i = 0; i < 19; i++)
        assert_int_equal(throttle_failed(throttle, stranger(i), joe, 1, blocks), 0);
    assert_int_equal(throttle_failed(throttle, stranger(19), joe, 1, blocks), 1);
    assert_int_equal(blocks[0].kind, THROTTLE_ACCOUNT);
    assert_true(slice_eq(blocks[0].subject, joe));
    assert_int_equal(blocks[0].failures, 20);
    assert_false(may(cafe, joe, 2));
    assert_true(may(cafe, ann, 2));
    assert_true(may(home, joe, 2));
    /* It never lasts longer than an hour. */
    for (uint64_t now = MINUTE + 1, i = 20; i < 40; i++, now = until)
        assert_true(fail_times(1, stranger((unsigned)i), joe, now) == 1 &&
                    !throttle_may_try(throttle, cafe, joe, now, &until) && until <= now + HOUR);
}

static void test_strangers_behind_the_same_address_do_not_lock_out_who_is_known(void **state)
{
    (void)state;
    throttle_succeeded(throttle, home, joe, 0);
    for (unsigned i = 0; i < 5; i++)
        fail_times(1, home, ann, 1);
    assert_false(may(home, ann, 2));
    assert_true(may(home, joe, 2));
}

static void test_a_known_address_may_not_guess_without_end_either(void **state)
{
    struct throttle_block blocks[2];
    uint64_t until = 0;

    (void)state;
    throttle_succeeded(throttle, home, joe, 0);
    fail_times(4, home, joe, 1);
    assert_true(may(home, joe, 1));
    /* The address is blocked with it, so that a list of blocks shows it. */
    assert_int_equal(throttle_failed(throttle, home, joe, 1, blocks), 1);
    assert_int_equal(blocks[0].kind, THROTTLE_ADDRESS);
    assert_false(may(home, joe, 2));
    assert_true(may(cafe, joe, 2));
    assert_int_equal(fail_times(1, home, joe, MINUTE + 1), 1);
    assert_false(throttle_may_try(throttle, home, joe, MINUTE + 1, &until));
    assert_true(until == 3 * MINUTE + 1);
    throttle_succeeded(throttle, home, joe, until);
    assert_int_equal(fail_times(4, home, joe, until), 0);
    assert_true(may(home, joe, until));
}

static void test_lifting_an_address_lifts_its_known_pairs(void **state)
{
    (void)state;
    throttle_succeeded(throttle, home, joe, 0);
    throttle_succeeded(throttle, cafe, joe, 0);
    fail_times(5, home, joe, 1);
    fail_times(5, cafe, joe, 1);
    throttle_lift(throttle, THROTTLE_ADDRESS, home);
    assert_true(may(home, joe, 2));
    assert_true(may(home, ann, 2));
    assert_false(may(cafe, joe, 2));
    throttle_lift(throttle, THROTTLE_ACCOUNT, joe);
    assert_true(may(cafe, joe, 2));
    assert_false(may(cafe, ann, 2));
    throttle_lift(throttle, THROTTLE_ACCOUNT, SLICE("nobody"));
}

static void test_a_success_takes_back_only_what_was_for_that_account(void **state)
{
    (void)state;
    /* Who mistypes four times and then remembers starts anew. */
    fail_times(4, home, joe, 0);
    throttle_succeeded(throttle, home, joe, 0);
    assert_int_equal(fail_times(4, home, ann, 0), 0);
    /* Who has an account of his own cannot clear his guesses at another with it. */
    throttle_succeeded(throttle, home, joe, 0);
    assert_int_equal(fail_times(1, home, ann, 0), 1);
    assert_false(may(home, ann, 1));
    /* A guess at his own in between does not help. */
    fail_times(4, cafe, ann, 0);
    assert_int_equal(fail_times(1, cafe, joe, 0), 1);
    throttle_succeeded(throttle, cafe, joe, MINUTE);
    assert_int_equal(fail_times(1, cafe, ann, MINUTE), 1);
}

static void test_a_success_takes_back_the_accounts_count(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        fail_times(1, stranger(i), joe, 0);
        throttle_succeeded(throttle, stranger(i), joe, 0);
    }
    assert_true(may(cafe, joe, 1));
}

static void test_without_an_address_the_account_counts(void **state)
{
    (void)state;
    assert_int_equal(fail_times(20, SLICE_NULL, joe, 0), 1);
    assert_false(may(SLICE_NULL, joe, 1));
    assert_true(may(SLICE_NULL, ann, 1));
    throttle_succeeded(throttle, SLICE_NULL, ann, 0);
    for (unsigned i = 0; i < 20; i++)
        fail_times(1, stranger(i), ann, 1);
    assert_true(may(SLICE_NULL, ann, 2));
    assert_true(may(SLICE_NULL, SLICE_NULL, 1));
}

static void test_stored_blocks_hold_again_and_go_on_doubling(void **state)
{
    const struct throttle_block address = {THROTTLE_ADDRESS, SLICE("2001:db8::/64"), 7, 500},
                                account = {THROTTLE_ACCOUNT, SLICE("joe@example.org"), 20, 600};
    uint64_t until = 0;

    (void)state;
    throttle_restore(throttle, &address, 100);
    throttle_restore(throttle, &account, 100);
    assert_false(throttle_may_try(throttle, SLICE("2001:db8::1"), ann, 200, &until));
    assert_true(until == 500);
    assert_false(throttle_may_try(throttle, home, joe, 200, &until));
    assert_true(until == 600);
    assert_int_equal(fail_times(1, SLICE("2001:db8::1"), ann, 500), 1);
    assert_false(throttle_may_try(throttle, SLICE("2001:db8::1"), ann, 500, &until));
    assert_true(until == 500 + 8 * MINUTE);
}

static void test_names_that_nobody_has_are_not_kept(void **state)
{
    static char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(fail_times(1, home, slice_from(text, sizeof(text) - i), 0), 0);
    assert_int_equal(fail_times(1, home, slice_from(text, sizeof(text)), 0), 1);
    assert_false(may(home, joe, 1));
}

static void test_no_rule_blocks_nobody(void **state)
{
    const struct throttle_rules none = {0};

    (void)state;
    throttle_set_rules(throttle, &none);
    assert_int_equal(fail_times(1000, home, joe, 0), 0);
    assert_true(may(home, joe, 0));
}

static void test_a_flood_of_subjects_pushes_out_neither_blocks_nor_known_pairs(void **state)
{
    (void)state;
    throttle_succeeded(throttle, home, joe, 0);
    fail_times(5, cafe, ann, 0);
    fail_times(4, SLICE("203.0.113.1"), ann, 0);
    for (unsigned i = 0; i < THROTTLE_SUBJECTS_MAX; i++)
        fail_times(1, stranger(i), stranger(i), 1);
    assert_false(may(cafe, ann, 2));
    assert_false(may(cafe, joe, 2));
    assert_true(may(home, joe, 2));
    /* The oldest that was not blocked had to go, with its four failures. */
    assert_int_equal(fail_times(1, SLICE("203.0.113.1"), ann, 2), 0);
    /* The newest are all there. */
    assert_int_equal(fail_times(4, stranger(THROTTLE_SUBJECTS_MAX - 1), ann, 2), 1);
}

static void test_blocked_ones_leave_half_of_the_places_to_others(void **state)
{
    (void)state;
    fail_times(5, home, joe, 0);
    for (unsigned i = 0; i < THROTTLE_SUBJECTS_MAX; i++)
        fail_times(5, stranger(i), stranger(i), 1);
    assert_true(may(home, joe, 2));
    assert_false(may(stranger(THROTTLE_SUBJECTS_MAX - 1), ann, 2));
    assert_int_equal(fail_times(4, home, joe, 2), 0);
    assert_int_equal(fail_times(1, home, joe, 2), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_what_an_address_counts_as),
        T(test_an_address_is_blocked_for_twice_as_long_each_time),
        T(test_failures_during_a_block_change_nothing),
        T(test_a_quiet_day_forgets),
        T(test_the_whole_64_counts_as_one),
        T(test_ipv4_in_ipv6_is_ipv4),
        T(test_no_spelling_has_a_count_of_its_own),
        T(test_a_distributed_guess_does_not_lock_out_the_owner),
        T(test_strangers_behind_the_same_address_do_not_lock_out_who_is_known),
        T(test_a_known_address_may_not_guess_without_end_either),
        T(test_lifting_an_address_lifts_its_known_pairs),
        T(test_a_success_takes_back_only_what_was_for_that_account),
        T(test_a_success_takes_back_the_accounts_count),
        T(test_without_an_address_the_account_counts),
        T(test_stored_blocks_hold_again_and_go_on_doubling),
        T(test_names_that_nobody_has_are_not_kept),
        T(test_no_rule_blocks_nobody),
        T(test_a_flood_of_subjects_pushes_out_neither_blocks_nor_known_pairs),
        T(test_blocked_ones_leave_half_of_the_places_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
