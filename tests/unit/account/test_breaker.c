#include "../cmocka_all.h"

#include "account/breaker.h"

#include <errno.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const struct slice joe = SLICE_INIT("joe@example.org"), ann = SLICE_INIT("ann@example.org");
static const struct breaker_limits limits = {.messages_per_minute = 10,
                                             .messages_per_hour = 50,
                                             .recipients_per_hour = 600,
                                             .bounces_per_hour = 20};
static struct breaker *breaker;
static struct buf why;

static int set_up(void **state)
{
    (void)state;
    breaker = breaker_new();
    buf_init(&why, 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    breaker_free(breaker);
    buf_done(&why);
    return 0;
}

static enum breaker_verdict submit(struct slice account, uint32_t recipients, uint64_t now)
{
    buf_reset(&why);
    return breaker_submit(breaker, account, &limits, recipients, now, &why);
}

static void assert_why(struct slice text)
{
    if (!slice_eq(buf_slice(&why), text))
        fail_msg("it says \"%.*s\"", SLICE_ARG(buf_slice(&why)));
}

static void test_more_a_minute_are_put_off_until_it_is_over(void **state)
{
    uint64_t start = 100 * HOUR + 500;

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(submit(joe, 1, start), BREAKER_GO);
    assert_int_equal(submit(joe, 1, start), BREAKER_LATER);
    assert_why(SLICE("11 messages in a minute, the limit is 10"));
    assert_int_equal(submit(joe, 1, start + MINUTE - SECOND), BREAKER_LATER);
    assert_int_equal(submit(joe, 1, start + MINUTE), BREAKER_GO);
    assert_int_equal(submit(ann, 1, start), BREAKER_GO);
}

static void test_more_messages_an_hour_trip_it(void **state)
{
    uint64_t now = 5 * MINUTE;

    (void)state;
    for (int i = 0; i < 50; i++, now += MINUTE)
        assert_int_equal(submit(joe, 1, now), BREAKER_GO);
    assert_int_equal(submit(joe, 1, now), BREAKER_TRIP);
    assert_why(SLICE("51 messages in an hour, the limit is 50"));
    /* When the first ones are an hour old, there is room again. */
    assert_int_equal(submit(joe, 1, 65 * MINUTE), BREAKER_GO);
    assert_int_equal(submit(joe, 1, 65 * MINUTE), BREAKER_TRIP);
}

static void test_recipients_count_before_the_minute(void **state)
{
    (void)state;
    assert_int_equal(submit(joe, 600, 0), BREAKER_GO);
    assert_int_equal(submit(joe, 12, 0), BREAKER_TRIP);
    assert_why(SLICE("612 recipients in an hour, the limit is 600"));
    assert_int_equal(submit(joe, 0, 0), BREAKER_GO);
    assert_int_equal(submit(ann, 601, 0), BREAKER_TRIP);
    assert_int_equal(submit(ann, UINT32_MAX, 0), BREAKER_TRIP);
    assert_int_equal(submit(joe, 600, HOUR - 1), BREAKER_TRIP);
    assert_int_equal(submit(joe, 600, HOUR), BREAKER_GO);
}

static void test_bounces_trip_it_too(void **state)
{
    (void)state;
    assert_int_equal(breaker_bounced(breaker, joe, &limits, 20, 0, &why), BREAKER_GO);
    assert_int_equal(breaker_bounced(breaker, joe, &limits, 3, MINUTE, &why), BREAKER_TRIP);
    assert_why(SLICE("23 refused recipients in an hour, the limit is 20"));
    assert_int_equal(breaker_bounced(breaker, ann, &limits, 3, MINUTE, &why), BREAKER_GO);
}

static void test_no_limit_is_none(void **state)
{
    const struct breaker_limits none = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(breaker_submit(breaker, joe, &none, UINT32_MAX, 0, &why), BREAKER_GO);
    assert_int_equal(breaker_bounced(breaker, joe, &none, UINT32_MAX, 0, &why), BREAKER_GO);
}

static void test_a_thawed_account_counts_from_zero(void **state)
{
    (void)state;
    assert_int_equal(submit(joe, 600, 0), BREAKER_GO);
    breaker_thawed(breaker, joe); /* it was not frozen: nothing happens */
    assert_int_equal(submit(joe, 600, 0), BREAKER_TRIP);
    breaker_tripped(breaker, joe, 0);
    assert_int_equal(submit(joe, 600, 0), BREAKER_TRIP);
    breaker_thawed(breaker, joe);
    assert_int_equal(submit(joe, 600, 0), BREAKER_GO);
    breaker_thawed(breaker, joe);
    assert_int_equal(submit(joe, 1, 0), BREAKER_TRIP);
}

static void restart(uint64_t elapsed, uint64_t saved_at, uint64_t now)
{
    struct buf saved;

    buf_init(&saved, 1024 * 1024);
    breaker_save(breaker, saved_at, &saved);
    breaker_free(breaker);
    breaker = breaker_new();
    assert_int_equal(breaker_load(breaker, buf_slice(&saved), elapsed, now), 0);
    buf_done(&saved);
}

static void test_a_restart_gives_nothing_away(void **state)
{
    (void)state;
    assert_int_equal(submit(joe, 300, 10 * MINUTE), BREAKER_GO);
    assert_int_equal(submit(joe, 300, 40 * MINUTE), BREAKER_GO);
    breaker_tripped(breaker, ann, 0);
    assert_int_equal(submit(ann, 600, 40 * MINUTE), BREAKER_GO);
    /* The other process's clock stands elsewhere; five minutes have passed. */
    restart(5 * MINUTE, 45 * MINUTE, 100 * HOUR);
    assert_int_equal(submit(joe, 1, 100 * HOUR), BREAKER_TRIP);
    assert_why(SLICE("601 recipients in an hour, the limit is 600"));
    assert_int_equal(submit(joe, 1, 100 * HOUR + 19 * MINUTE), BREAKER_TRIP);
    assert_int_equal(submit(joe, 300, 100 * HOUR + 20 * MINUTE), BREAKER_GO);
    breaker_thawed(breaker, ann);
    assert_int_equal(submit(ann, 600, 100 * HOUR), BREAKER_GO);
    /* What is older than an hour is gone. */
    restart(2 * HOUR, 100 * HOUR, 100 * HOUR);
    assert_int_equal(submit(joe, 600, 100 * HOUR), BREAKER_GO);
}

static void test_what_is_held_has_its_bound_too(void **state)
{
    const struct breaker_limits many = {.messages_per_hour = 150}, none = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(breaker_hold(breaker, joe, &limits, 0, &why), BREAKER_GO);
    assert_int_equal(breaker_hold(breaker, joe, &limits, 59 * MINUTE, &why), BREAKER_LATER);
    assert_why(SLICE("101 messages held in an hour, the limit is 100"));
    restart(0, 59 * MINUTE, 59 * MINUTE);
    assert_int_equal(breaker_hold(breaker, joe, &limits, 59 * MINUTE, &why), BREAKER_LATER);
    assert_int_equal(breaker_hold(breaker, joe, &many, 59 * MINUTE, &why), BREAKER_GO);
    assert_int_equal(breaker_hold(breaker, joe, &none, 59 * MINUTE, &why), BREAKER_GO);
    assert_int_equal(breaker_hold(breaker, joe, &limits, 60 * MINUTE, &why), BREAKER_GO);
}

static void test_a_damaged_snapshot_is_none(void **state)
{
    struct buf saved;

    (void)state;
    assert_int_equal(submit(joe, 600, 40 * MINUTE), BREAKER_GO);
    buf_init(&saved, 4096);
    breaker_save(breaker, 40 * MINUTE, &saved);
    for (size_t len = 0; len < saved.len; len++) {
        char *copy = xslicedup(slice_from(saved.ptr, len)); /* so that ASan sees a byte too far */
        struct breaker *other = breaker_new();
        int r = breaker_load(other, slice_from(copy, len), 0, 40 * MINUTE);
        if (len != 1) /* the version alone: nobody has sent anything */
            assert_int_equal(r, -EBADMSG);
        assert_int_equal(breaker_submit(other, joe, &limits, 600, 40 * MINUTE, &why), BREAKER_GO);
        breaker_free(other);
        free(copy);
    }
    saved.ptr[0]++;
    assert_int_equal(breaker_load(breaker, buf_slice(&saved), 0, 40 * MINUTE), -EBADMSG);
    buf_done(&saved);
}

static void test_it_is_bounded(void **state)
{
    char name[32];

    (void)state;
    assert_int_equal(submit(joe, 600, 0), BREAKER_GO);
    assert_int_equal(submit(ann, 600, 0), BREAKER_GO);
    for (int i = 0; i < BREAKER_ACCOUNTS_MAX - 1; i++) {
        int len = snprintf(name, sizeof(name), "user%d", i);
        submit(slice_from(name, (size_t)len), 1, 0);
        submit(ann, 0, 0); /* who goes on sending is not forgotten */
    }
    assert_int_equal(submit(ann, 1, 0), BREAKER_TRIP);
    assert_int_equal(submit(joe, 600, 0), BREAKER_GO);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_more_a_minute_are_put_off_until_it_is_over),
        T(test_more_messages_an_hour_trip_it),
        T(test_recipients_count_before_the_minute),
        T(test_bounces_trip_it_too),
        T(test_no_limit_is_none),
        T(test_a_thawed_account_counts_from_zero),
        T(test_a_restart_gives_nothing_away),
        T(test_what_is_held_has_its_bound_too),
        T(test_a_damaged_snapshot_is_none),
        T(test_it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
