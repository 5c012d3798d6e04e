/* Lanes: rates, pauses, and that those which nobody uses go. */
#include "queue/lanes.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const struct scheduler_rules rules = {
    .concurrency = 100, .active = 50, .down_first_ms = 1000, .down_max_ms = 8000};

enum { TIMES_MAX = 1000 };

/* How many of the times lie in the busiest `span`. */
static unsigned busiest(const uint64_t *times, unsigned n, uint64_t span)
{
    unsigned most = 0;

    for (unsigned i = 0; i < n; i++) {
        unsigned here = 0;
        while (i + here < n && times[i + here] < times[i] + span)
            here++;
        most = here > most ? here : most;
    }
    return most;
}

static void check_rate(unsigned rate, uint64_t rate_ms, unsigned at_least)
{
    struct lane lane = {.rules = {.concurrency = 20, .rate = rate, .rate_ms = rate_ms}};
    uint64_t times[TIMES_MAX], now = 1000;
    unsigned n = 0;

    /* As fast as it may, for ten of its times; then a rest and once more. */
    for (; n < TIMES_MAX && now < 1000 + 10 * rate_ms; n++) {
        now = lane_ready_at(&lane) > now ? lane_ready_at(&lane) : now;
        if (now >= 1000 + 10 * rate_ms)
            break;
        times[n] = now;
        lane_count_turn(&lane, now);
    }
    assert_true(n >= at_least);
    for (now += 3 * rate_ms; n < TIMES_MAX && now < 1000 + 20 * rate_ms; n++) {
        now = lane_ready_at(&lane) > now ? lane_ready_at(&lane) : now;
        times[n] = now;
        lane_count_turn(&lane, now);
    }
    if (busiest(times, n, rate_ms) > rate)
        fail_msg("%u in %llu ms: %u", rate, (unsigned long long)rate_ms,
                 busiest(times, n, rate_ms));
}

static void test_a_rate_is_never_passed_and_nearly_reached(void **state)
{
    (void)state;
    check_rate(1, 60000, 10);
    check_rate(3, 1000, 30);
    check_rate(10, 60000, 90);
    check_rate(30, 1000, 270);
    check_rate(7, 1001, 68);
}

static void test_a_tenth_of_the_rate_goes_at_once(void **state)
{
    struct lane lane = {.rules = {.concurrency = 20, .rate = 50, .rate_ms = 60000}};
    unsigned at_once = 0;

    (void)state;
    for (; lane_ready_at(&lane) <= 5000; at_once++)
        lane_count_turn(&lane, 5000);
    assert_int_equal(at_once, 6);
    /* One that did not come to it is given back. */
    lane_uncount_turn(&lane);
    assert_true(lane_ready_at(&lane) <= 5000);
}

static void test_pauses_grow_and_are_forgotten(void **state)
{
    struct lane lane = {.rules = {.concurrency = 20, .adaptive = true}, .window = 10 * 256};
    uint64_t now = 1000;

    (void)state;
    lane_pause(&lane, 0, now);
    assert_int_equal(lane_window(&lane), 1);
    assert_int_equal(lane_ready_at(&lane), now + LANE_PAUSE_FIRST_MS);
    lane_pause(&lane, 0, now + 1); /* began together with the first */
    assert_int_equal(lane_ready_at(&lane), now + LANE_PAUSE_FIRST_MS);
    now += LANE_PAUSE_FIRST_MS;
    lane_pause(&lane, 0, now);
    assert_int_equal(lane_ready_at(&lane), now + 2 * LANE_PAUSE_FIRST_MS);
    for (int i = 0; i < 20; i++) {
        now = lane_ready_at(&lane);
        lane_pause(&lane, 0, now);
    }
    assert_int_equal(lane_ready_at(&lane), now + LANE_PAUSE_MAX_MS);
    for (int i = 0; i < 20; i++)
        lane_grow(&lane);
    now = lane_ready_at(&lane);
    lane_pause(&lane, 300000, now);
    assert_int_equal(lane_ready_at(&lane), now + 300000);
}

static struct lane *make(struct lanes *lanes, unsigned i)
{
    char name[32];

    snprintf(name, sizeof(name), "mx%u.test", i);
    return lanes_make(lanes, &(struct lane_key){.way = WAY_ROUTE,
                                                .name = SLICE("world"),
                                                .domain = slice_from_cstr(name)});
}

static void test_those_that_rest_come_by_their_time(void **state)
{
    struct lanes lanes;
    struct lane *list[200];
    uint64_t last = 0;
    unsigned n = 0;

    (void)state;
    lanes_init(&lanes);
    for (unsigned i = 0; i < 200; i++) {
        list[i] = make(&lanes, i);
        lanes_rest(&lanes, list[i], 1 + (i * 7919) % 1000);
    }
    for (unsigned i = 0; i < 200; i += 3)
        lanes_rest(&lanes, list[i], i % 2 ? 0 : 1 + (i * 104729) % 2000);
    while (lanes_first_resting(&lanes)) {
        struct lane *lane = lanes_first_resting(&lanes);
        assert_true(lane->rest_until >= last);
        last = lane->rest_until;
        lanes_rest(&lanes, lane, 0);
        n++;
    }
    assert_int_equal(n, 200 - 33);
    lanes_done(&lanes);
}

/* One message for each of 100,000 sites in a day: few of their lanes are kept. */
static void test_lanes_that_nobody_uses_go(void **state)
{
    static const struct lane_rules lane_rules = {
        .concurrency = 20, .recipients = 10, .adaptive = true};
    struct scheduler *scheduler = scheduler_new(&rules);
    unsigned most = 0;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        char site[32];
        struct lane_key key = {.way = WAY_ROUTE, .name = SLICE("world")};
        struct lane_refusal refusal;
        struct scheduler_turn turn;
        struct lane_view view;
        uint64_t now = (uint64_t)i * 864;
        uint32_t cursor = 0;
        unsigned n = 0;

        key.domain = slice_from(site, (size_t)snprintf(site, sizeof(site), "mx%u.test", i));
        assert_int_not_equal(scheduler_add(scheduler, scheduler_lane(scheduler, &key, &lane_rules),
                                           &(struct unit_order){.message = i + 1}, 1, now,
                                           &refusal),
                             0);
        assert_true(scheduler_next(scheduler, now, &turn));
        scheduler_tick(scheduler, now); /* it is under way, so it stays */
        scheduler_end_turn(scheduler, turn.unit, TURN_TAKEN, 1, 0, 0, now);
        if (i % 1000)
            continue;
        scheduler_tick(scheduler, now);
        while (scheduler_view(scheduler, &cursor, &view))
            n++;
        most = n > most ? n : most;
    }
    assert_true(most > 1000 && most < 6000);
    scheduler_free(scheduler);
}

/* Two a day: who is forgotten after an hour would send two an hour. */
static void test_a_lane_whose_rate_counts_is_not_forgotten(void **state)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    static const struct lane_rules lane_rules = {
        .concurrency = 20, .recipients = 10, .rate = 2, .rate_ms = DAY_MS};
    struct scheduler *scheduler = scheduler_new(&rules);
    struct lane_key key = {.way = WAY_ROUTE, .name = SLICE("slow")};
    unsigned turns = 0;

    (void)state;
    for (uint64_t now = DAY_MS; now < 3 * (uint64_t)DAY_MS; now += 2 * SCHEDULER_KEEP_MS) {
        struct lane *lane = scheduler_lane(scheduler, &key, &lane_rules);
        struct unit_order order = {.message = 1 + turns};
        struct lane_refusal refusal;
        struct scheduler_turn turn;
        uint32_t unit = scheduler_add(scheduler, lane, &order, 1, now, &refusal);
        if (scheduler_next(scheduler, now, &turn)) {
            scheduler_end_turn(scheduler, turn.unit, TURN_TAKEN, 1, 0, 0, now);
            turns++;
        } else {
            scheduler_withdraw(scheduler, unit, 1);
        }
        for (unsigned minute = 0; minute < 120; minute++)
            scheduler_tick(scheduler, now + minute * 60000);
    }
    assert_in_range(turns, 3, 4);
    scheduler_free(scheduler);
}

static void test_another_rate_does_not_wait_for_the_old_one(void **state)
{
    struct lane lane = {.rules = {.concurrency = 20, .rate = 1, .rate_ms = 3600 * 1000}};
    struct lane_rules faster = {.concurrency = 20, .rate = 100, .rate_ms = 60 * 1000};

    (void)state;
    lane_count_turn(&lane, 5000);
    assert_int_equal(lane_ready_at(&lane), 5000 + 3600 * 1000);
    lane_set_rules(&lane, &lane.rules);
    assert_int_equal(lane_ready_at(&lane), 5000 + 3600 * 1000);
    lane_set_rules(&lane, &faster);
    assert_true(lane_ready_at(&lane) <= 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rate_is_never_passed_and_nearly_reached),
        cmocka_unit_test(test_a_tenth_of_the_rate_goes_at_once),
        cmocka_unit_test(test_pauses_grow_and_are_forgotten),
        cmocka_unit_test(test_those_that_rest_come_by_their_time),
        cmocka_unit_test(test_lanes_that_nobody_uses_go),
        cmocka_unit_test(test_a_lane_whose_rate_counts_is_not_forgotten),
        cmocka_unit_test(test_another_rate_does_not_wait_for_the_old_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
