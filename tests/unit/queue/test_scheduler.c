/* Turns, windows, shares and sites that are down. */
#include "queue/scheduler.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct scheduler_rules rules = {
    .concurrency = 100, .active = 50, .down_first_ms = 1000, .down_max_ms = 8000};
static const struct lane_rules adaptive = {.concurrency = 20, .recipients = 10, .adaptive = true};

struct fixture {
    struct scheduler *scheduler;
    struct lane *lane;
};

static int setup(void **state)
{
    struct fixture *fixture = test_malloc(sizeof(*fixture));

    fixture->scheduler = scheduler_new(&rules);
    fixture->lane =
        scheduler_lane(fixture->scheduler,
                       &(struct lane_key){.way = WAY_ROUTE, .name = SLICE("relay")}, &adaptive);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    scheduler_free(fixture->scheduler);
    test_free(fixture);
    return 0;
}

static uint32_t add(struct fixture *fixture, struct lane *lane, uint32_t message, uint32_t sender,
                    int8_t priority, bool retried, uint32_t n)
{
    struct lane_refusal refusal;
    uint32_t unit = scheduler_add(
        fixture->scheduler, lane,
        &(struct unit_order){
            .message = message, .sender = sender, .priority = priority, .retried = retried},
        n, 0, &refusal);

    assert_int_not_equal(unit, 0);
    return unit;
}

/* The next turn's message, which then succeeds. */
static uint32_t serve(struct fixture *fixture)
{
    struct scheduler_turn turn;

    if (!scheduler_next(fixture->scheduler, 0, &turn))
        return 0;
    scheduler_end_turn(fixture->scheduler, turn.unit, TURN_TAKEN, turn.n, 0, 0, 0);
    return turn.message;
}

static unsigned take_turns(struct fixture *fixture, struct scheduler_turn *turns, unsigned max)
{
    unsigned n = 0;

    while (n < max && scheduler_next(fixture->scheduler, 0, &turns[n]))
        n++;
    return n;
}

static void test_senders_alternate_by_age(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t expect[] = {1, 4, 2, 5, 3, 0};

    for (uint32_t i = 1; i <= 3; i++)
        add(fixture, fixture->lane, i, 1, 0, false, 1);
    add(fixture, fixture->lane, 4, 2, 0, false, 1);
    add(fixture, fixture->lane, 5, 2, 0, false, 1);
    for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++)
        assert_int_equal(serve(fixture), expect[i]);
}

static void test_priority_goes_first(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, fixture->lane, 1, 1, -3, false, 1);
    add(fixture, fixture->lane, 2, 1, 0, false, 1);
    add(fixture, fixture->lane, 3, 1, 4, false, 1);
    assert_int_equal(serve(fixture), 3);
    assert_int_equal(serve(fixture), 2);
    assert_int_equal(serve(fixture), 1);
}

static void test_retried_mail_has_a_share(void **state)
{
    struct fixture *fixture = *state;
    unsigned retried = 0;

    for (uint32_t i = 1; i <= 20; i++) {
        add(fixture, fixture->lane, i, i, 0, false, 1);
        add(fixture, fixture->lane, 100 + i, i, 0, true, 1);
    }
    for (int i = 0; i < 16; i++)
        retried += serve(fixture) > 100;
    assert_int_equal(retried, 4);
}

static void test_lanes_take_turns(void **state)
{
    struct fixture *fixture = *state;
    struct lane *other =
        scheduler_lane(fixture->scheduler,
                       &(struct lane_key){.way = WAY_ROUTE, .name = SLICE("other")}, &adaptive);

    for (uint32_t i = 1; i <= 10; i++)
        add(fixture, fixture->lane, i, 1, 0, false, 1);
    add(fixture, other, 100, 1, 0, false, 1);
    assert_int_equal(serve(fixture), 1);
    assert_int_equal(serve(fixture), 100);
    assert_int_equal(serve(fixture), 2);
}

static void test_window_grows_and_shrinks(void **state)
{
    struct fixture *fixture = *state;
    struct scheduler_turn turns[100];
    unsigned n;

    for (uint32_t i = 1; i <= 45; i++)
        add(fixture, fixture->lane, i, i, 0, false, 1);
    n = take_turns(fixture, turns, 100);
    assert_int_equal(n, SCHEDULER_WINDOW_FIRST);
    for (unsigned i = 0; i < n; i++)
        scheduler_end_turn(fixture->scheduler, turns[i].unit, TURN_TAKEN, 1, 0, 0, 0);
    n = take_turns(fixture, turns, 100);
    assert_int_equal(n, 2 * SCHEDULER_WINDOW_FIRST);
    /* Ten that are refused together halve the window once. */
    for (unsigned i = 0; i < n; i++)
        scheduler_end_turn(fixture->scheduler, turns[i].unit, TURN_REFUSED, 1, 0, 0, 0);
    assert_int_equal(take_turns(fixture, turns, 100), SCHEDULER_WINDOW_FIRST);
}

static void test_window_never_passes_the_lanes_concurrency(void **state)
{
    struct fixture *fixture = *state;
    struct scheduler_turn turns[100];

    for (uint32_t i = 1; i <= 50; i++)
        add(fixture, fixture->lane, i, 1, 0, false, 10);
    for (int i = 0; i < 30; i++)
        assert_int_not_equal(serve(fixture), 0);
    for (uint32_t i = 1; i <= 50; i++)
        add(fixture, fixture->lane, i, i + 1, 0, false, 1);
    assert_int_equal(take_turns(fixture, turns, 100), 20);
}

static void test_a_unit_is_split_by_setting_and_peer(void **state)
{
    struct fixture *fixture = *state;
    struct scheduler_turn turn;

    add(fixture, fixture->lane, 1, 1, 0, false, 25);
    assert_true(scheduler_next(fixture->scheduler, 0, &turn));
    assert_int_equal(turn.n, 10);
    scheduler_end_turn(fixture->scheduler, turn.unit, TURN_TAKEN, 10, 0, 4, 0);
    assert_true(scheduler_next(fixture->scheduler, 0, &turn));
    assert_int_equal(turn.n, 4);
    /* Cancelled: they wait again, and nothing else changes. */
    scheduler_end_turn(fixture->scheduler, turn.unit, TURN_CANCELLED, 4, 4, 0, 0);
    for (unsigned left = 15; left > 0; left -= turn.n) {
        assert_true(scheduler_next(fixture->scheduler, 0, &turn));
        assert_int_equal(turn.message, 1);
        scheduler_end_turn(fixture->scheduler, turn.unit, TURN_TAKEN, turn.n, 0, 0, 0);
    }
    assert_false(scheduler_next(fixture->scheduler, 0, &turn));
}

static void test_a_site_that_is_down_is_probed_by_one(void **state)
{
    struct fixture *fixture = *state;
    struct scheduler_turn turn, second;
    struct lane_refusal refusal;
    struct put_off off;
    const struct unit_order order = {.message = 9, .sender = 9};
    unsigned n = 0;

    for (uint32_t i = 1; i <= 4; i++)
        add(fixture, fixture->lane, i, i, 0, false, 1);
    assert_true(scheduler_next(fixture->scheduler, 0, &turn));
    scheduler_end_turn(fixture->scheduler, turn.unit, TURN_UNHEARD, 1, 0, 0, 100);
    for (; scheduler_take_put_off(fixture->scheduler, &off); n++)
        assert_int_equal(off.until, 1100);
    assert_int_equal(n, 3);
    assert_int_equal(scheduler_add(fixture->scheduler, fixture->lane, &order, 1, 1099, &refusal),
                     0);
    assert_true(refusal.down);
    assert_int_equal(refusal.until, 1100);

    /* From then on they come in, but one goes alone. */
    assert_int_not_equal(
        scheduler_add(fixture->scheduler, fixture->lane, &order, 1, 1100, &refusal), 0);
    assert_int_not_equal(
        scheduler_add(fixture->scheduler, fixture->lane, &order, 1, 1100, &refusal), 0);
    assert_true(scheduler_next(fixture->scheduler, 0, &turn));
    assert_false(scheduler_next(fixture->scheduler, 0, &second));

    /* A failed probe doubles the wait and puts the other off. */
    scheduler_end_turn(fixture->scheduler, turn.unit, TURN_UNHEARD, 1, 0, 0, 1200);
    assert_true(scheduler_take_put_off(fixture->scheduler, &off));
    assert_int_equal(off.until, 3200);
    assert_false(scheduler_take_put_off(fixture->scheduler, &off));

    /* One that succeeds opens the lane. */
    for (int i = 0; i < 3; i++)
        scheduler_add(fixture->scheduler, fixture->lane, &order, 1, 3200, &refusal);
    assert_true(scheduler_next(fixture->scheduler, 0, &turn));
    scheduler_end_turn(fixture->scheduler, turn.unit, TURN_TAKEN, 1, 0, 0, 3300);
    assert_true(scheduler_next(fixture->scheduler, 0, &turn));
    assert_true(scheduler_next(fixture->scheduler, 0, &second));
}

static void test_one_sender_cannot_fill_a_lane(void **state)
{
    struct fixture *fixture = *state;
    struct lane_refusal refusal;

    for (uint32_t i = 1; i <= rules.active; i++)
        add(fixture, fixture->lane, i, 1, 0, false, 1);
    assert_int_equal(scheduler_add(fixture->scheduler, fixture->lane,
                                   &(struct unit_order){.message = 99, .sender = 1}, 1, 0,
                                   &refusal),
                     0);
    assert_false(refusal.down);
    add(fixture, fixture->lane, 100, 2, 0, false, 1);
    assert_int_equal(serve(fixture), 1);
    assert_int_equal(serve(fixture), 100);
}

static void test_withdrawn_units_are_skipped(void **state)
{
    struct fixture *fixture = *state;
    uint32_t first = add(fixture, fixture->lane, 1, 1, 0, false, 2);

    add(fixture, fixture->lane, 2, 1, 0, false, 1);
    scheduler_withdraw(fixture->scheduler, first, 1);
    scheduler_withdraw(fixture->scheduler, first, 1);
    assert_int_equal(serve(fixture), 2);
    assert_int_equal(serve(fixture), 0);
}

static void test_a_paused_way_has_no_turns(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, fixture->lane, 1, 1, 0, false, 1);
    scheduler_pause(fixture->scheduler, WAY_ROUTE, true);
    assert_int_equal(serve(fixture), 0);
    scheduler_pause(fixture->scheduler, WAY_ROUTE, false);
    assert_int_equal(serve(fixture), 1);
}

static void test_a_crowd_of_slow_sites_leaves_room(void **state)
{
    struct fixture *fixture = *state;
    static const struct lane_rules wide = {.concurrency = 200, .recipients = 1};
    struct scheduler_turn turns[100];
    struct lane *slow = scheduler_lane(
        fixture->scheduler,
        &(struct lane_key){.way = WAY_ROUTE, .name = SLICE("world"), .domain = SLICE("slow.test")},
        &wide);

    add(fixture, slow, 1000, 1, 0, false, 1);
    assert_int_equal(serve(fixture), 1000);
    for (uint32_t i = 1; i <= 100; i++)
        add(fixture, slow, i, i, 0, false, 1);
    /* None of these ends for a long time, and others still have their turns. */
    assert_int_equal(take_turns(fixture, turns, 100), rules.concurrency / 2);
    add(fixture, fixture->lane, 1000, 1, 0, false, 1);
    assert_int_equal(serve(fixture), 1000);
}

static struct lane *make_lane(struct fixture *fixture, uint32_t number)
{
    static const struct lane_rules twenty = {.concurrency = 20, .recipients = 1, .adaptive = true};
    char site[16];
    int len = snprintf(site, sizeof(site), "s%u.test", number);
    struct lane_key key = {
        .way = WAY_ROUTE, .name = SLICE("world"), .domain = slice_from(site, (size_t)len)};

    return scheduler_lane(fixture->scheduler, &key, &twenty);
}

/* Thirty servers that accept and say nothing: none of their turns ends for minutes. */
static void test_silent_sites_leave_room(void **state)
{
    enum { SILENT = 30, EACH = 20 };
    struct fixture *fixture = *state;
    struct scheduler_turn turns[100];
    unsigned n;

    for (uint32_t i = 0; i < SILENT * EACH; i++)
        add(fixture, make_lane(fixture, i % SILENT), i, i, 0, false, 1);
    n = take_turns(fixture, turns, 100);
    assert_true(n >= rules.concurrency / 4 && n <= rules.concurrency / 4 + SILENT);
    /* A site that answers begins with one turn, and then has its window. */
    for (uint32_t i = 1; i <= 3; i++)
        add(fixture, make_lane(fixture, 1000), 5000 + i, i, 0, false, 1);
    assert_int_equal(take_turns(fixture, turns, 100), 1);
    assert_int_equal(turns[0].message, 5001);
    scheduler_end_turn(fixture->scheduler, turns[0].unit, TURN_TAKEN, 1, 0, 0, 0);
    assert_int_equal(take_turns(fixture, turns, 100), 2);
}

/* So is one that has answered once, and then nothing more. */
static void test_a_site_that_fell_silent_gets_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct scheduler_turn turns[100];
    struct lane *lane = make_lane(fixture, 1);

    for (uint32_t i = 1; i <= 25; i++)
        add(fixture, make_lane(fixture, 100 + i), i, i, 0, false, 1);
    assert_int_equal(take_turns(fixture, turns, 100), 25);
    add(fixture, lane, 1000, 1, 0, false, 1);
    assert_int_equal(serve(fixture), 1000);
    add(fixture, lane, 1001, 1, 0, false, 1);
    assert_int_equal(take_turns(fixture, turns, 100), 1);
    add(fixture, lane, 1002, 1, 0, false, 1);
    assert_false(scheduler_next(fixture->scheduler, SCHEDULER_SLOW_MS, &turns[0]));
}

enum { SLOW_LANES = 10 };

static void make_slow_lanes(struct fixture *fixture, struct lane *lanes[SLOW_LANES])
{
    static const struct lane_rules wide = {.concurrency = 20, .recipients = 1};

    for (uint32_t i = 0; i < SLOW_LANES; i++) {
        char site = (char)('a' + i);
        struct lane_key key = {
            .way = WAY_ROUTE, .name = SLICE("world"), .domain = slice_from(&site, 1)};
        struct scheduler_turn turn;
        lanes[i] = scheduler_lane(fixture->scheduler, &key, &wide);
        add(fixture, lanes[i], i, i, 0, false, 1);
        assert_true(scheduler_next(fixture->scheduler, 0, &turn));
        scheduler_note_duration(fixture->scheduler, turn.unit, SCHEDULER_SLOW_MS);
        scheduler_end_turn(fixture->scheduler, turn.unit, TURN_TAKEN, 1, 0, 0, 0);
    }
}

static void test_slow_lanes_have_half_of_the_turns(void **state)
{
    struct fixture *fixture = *state;
    struct scheduler_turn turns[100];
    struct lane *lanes[SLOW_LANES];

    make_slow_lanes(fixture, lanes);
    for (uint32_t i = 0; i < 20 * SLOW_LANES; i++)
        add(fixture, lanes[i % SLOW_LANES], 100 + i, i, 0, false, 1);
    assert_int_equal(take_turns(fixture, turns, 100), rules.concurrency / 2);
    add(fixture, fixture->lane, 5000, 1, 0, false, 1);
    assert_int_equal(serve(fixture), 5000);
    /* One that has become quick again goes on, and makes room for a slow one. */
    scheduler_note_duration(fixture->scheduler, turns[0].unit, 100);
    scheduler_end_turn(fixture->scheduler, turns[0].unit, TURN_TAKEN, 1, 0, 0, 0);
    assert_true(take_turns(fixture, turns, 100) > 1);
}

static void test_a_lane_with_a_rate_rests(void **state)
{
    struct fixture *fixture = *state;
    struct lane_rules slow = adaptive;
    struct scheduler_turn turn;
    uint64_t next;

    slow.rate = 1;
    slow.rate_ms = 60000;
    scheduler_lane(fixture->scheduler, &(struct lane_key){.way = WAY_ROUTE, .name = SLICE("relay")},
                   &slow);
    add(fixture, fixture->lane, 1, 1, 0, false, 1);
    add(fixture, fixture->lane, 2, 1, 0, false, 1);
    assert_int_equal(scheduler_next_time(fixture->scheduler), UINT64_MAX);
    assert_true(scheduler_next(fixture->scheduler, 500, &turn));
    assert_false(scheduler_next(fixture->scheduler, 500, &turn));
    next = scheduler_next_time(fixture->scheduler);
    assert_int_equal(next, 60500);
    assert_false(scheduler_next(fixture->scheduler, next - 1, &turn));
    assert_true(scheduler_next(fixture->scheduler, next, &turn));
    /* The peer asks for still less. */
    scheduler_slow_down(fixture->scheduler, turn.unit, 300000, next);
    assert_int_equal(scheduler_next_time(fixture->scheduler), next + 300000);
    /* A reload takes the limit away, not the pause. */
    scheduler_lane(fixture->scheduler, &(struct lane_key){.way = WAY_ROUTE, .name = SLICE("relay")},
                   &adaptive);
    assert_int_equal(scheduler_next_time(fixture->scheduler), next + 300000);
}

static void test_a_crowded_turn_shrinks_the_window(void **state)
{
    struct fixture *fixture = *state;
    struct scheduler_turn turns[100];

    for (uint32_t i = 1; i <= 20; i++)
        add(fixture, fixture->lane, i, i, 0, false, 1);
    assert_int_equal(take_turns(fixture, turns, 100), SCHEDULER_WINDOW_FIRST);
    for (unsigned i = 0; i < SCHEDULER_WINDOW_FIRST; i++)
        scheduler_end_turn(fixture->scheduler, turns[i].unit, TURN_CROWDED, 1, 0, 0, 0);
    assert_int_equal(take_turns(fixture, turns, 100), SCHEDULER_WINDOW_FIRST / 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_senders_alternate_by_age),
        TEST(test_priority_goes_first),
        TEST(test_retried_mail_has_a_share),
        TEST(test_lanes_take_turns),
        TEST(test_window_grows_and_shrinks),
        TEST(test_window_never_passes_the_lanes_concurrency),
        TEST(test_a_unit_is_split_by_setting_and_peer),
        TEST(test_a_site_that_is_down_is_probed_by_one),
        TEST(test_one_sender_cannot_fill_a_lane),
        TEST(test_withdrawn_units_are_skipped),
        TEST(test_a_paused_way_has_no_turns),
        TEST(test_a_crowd_of_slow_sites_leaves_room),
        TEST(test_silent_sites_leave_room),
        TEST(test_a_site_that_fell_silent_gets_no_more),
        TEST(test_slow_lanes_have_half_of_the_turns),
        TEST(test_a_lane_with_a_rate_rests),
        TEST(test_a_crowded_turn_shrinks_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
