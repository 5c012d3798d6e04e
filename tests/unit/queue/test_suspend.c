#include "../cmocka_all.h"

#include "queue/suspend.h"

#include <string.h>

static struct suspension suspension(enum suspend_kind kind, const char *what, uint64_t until)
{
    return (struct suspension){
        .kind = kind, .what = slice_from_cstr(what), .until_ms = until, .by = SLICE("test")};
}

static void test_whom_a_suspension_holds_back(void **state)
{
    static const struct {
        enum suspend_kind kind;
        const char *what, *reverse_path, *login, *address;
        enum unit_way way;
        const char *name, *domain;
        bool holds;
    } cases[] = {
        {SUSPEND_LANE, "world", "a@x", "", "b@y", WAY_ROUTE, "world", "mx.y", true},
        {SUSPEND_LANE, "world/mx.y", "a@x", "", "b@y", WAY_ROUTE, "world", "mx.y", true},
        {SUSPEND_LANE, "world/mx.*", "a@x", "", "b@y", WAY_ROUTE, "world", "mx.y", true},
        {SUSPEND_LANE, "world/mx.z", "a@x", "", "b@y", WAY_ROUTE, "world", "mx.y", false},
        {SUSPEND_LANE, "wor", "a@x", "", "b@y", WAY_ROUTE, "world", "mx.y", false},
        {SUSPEND_LANE, "relay", "a@x", "", "b@y", WAY_ROUTE, "relay", "", true},
        {SUSPEND_LANE, "maildir", "a@x", "", "b@y", WAY_MAILDIR, "", "y", true},
        {SUSPEND_LANE, "maildir/y", "a@x", "", "b@y", WAY_MAILDIR, "", "y", true},
        {SUSPEND_LANE, "program/list", "a@x", "", "b@y", WAY_PROGRAM, "list", "", true},
        {SUSPEND_LANE, "list", "a@x", "", "b@y", WAY_PROGRAM, "list", "", false},
        {SUSPEND_DOMAIN, "Y", "a@x", "", "b@y", WAY_ROUTE, "world", "mx.y", true},
        {SUSPEND_DOMAIN, "*.y", "a@x", "", "b@y", WAY_ROUTE, "world", "mx.y", false},
        {SUSPEND_SENDER, "a@x", "A@x", "", "b@y", WAY_ROUTE, "world", "", true},
        {SUSPEND_SENDER, "*@x", "a@x", "", "b@y", WAY_ROUTE, "world", "", true},
        {SUSPEND_SENDER, "a@x", "other@x", "a@x", "b@y", WAY_ROUTE, "world", "", true},
        {SUSPEND_SENDER, "<>", "", "", "b@y", WAY_ROUTE, "world", "", true},
        {SUSPEND_SENDER, "<>", "a@x", "", "b@y", WAY_ROUTE, "world", "", false},
        {SUSPEND_SENDER, "*", "", "", "b@y", WAY_ROUTE, "world", "", false},
        {SUSPEND_SOURCE, "192.0.2.1", "a@x", "", "b@y", WAY_ROUTE, "world", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct suspensions *list = suspensions_new();
        struct suspension one = suspension(cases[i].kind, cases[i].what, 0);
        struct lane_key lane = {.way = cases[i].way,
                                .name = slice_from_cstr(cases[i].name),
                                .domain = slice_from_cstr(cases[i].domain)};
        assert_true(suspensions_add(list, &one));
        if ((suspensions_find(list, slice_from_cstr(cases[i].reverse_path),
                              slice_from_cstr(cases[i].login), slice_from_cstr(cases[i].address),
                              &lane) != NULL) != cases[i].holds)
            fail_msg("case %zu: %s", i, cases[i].what);
        suspensions_free(list);
    }
}

static void test_one_of_a_kind_replaces_the_other_and_times_end(void **state)
{
    struct suspensions *list = suspensions_new();
    struct suspension first = suspension(SUSPEND_DOMAIN, "x.test", 0);
    struct suspension second = suspension(SUSPEND_DOMAIN, "X.test", 1000);
    struct suspension third = suspension(SUSPEND_SENDER, "x.test", 2000);

    (void)state;
    assert_true(suspensions_add(list, &first));
    assert_true(suspensions_add(list, &second));
    assert_true(suspensions_add(list, &third));
    assert_int_equal(suspensions_count(list), 2);
    assert_int_equal(suspensions_expire(list, 999), 0);
    assert_int_equal(suspensions_expire(list, 1000), 1);
    assert_false(suspensions_remove(list, SUSPEND_DOMAIN, SLICE("x.test")));
    assert_true(suspensions_remove(list, SUSPEND_SENDER, SLICE("x.test")));
    assert_int_equal(suspensions_count(list), 0);
    suspensions_free(list);
}

static void test_the_list_is_bounded(void **state)
{
    struct suspensions *list = suspensions_new();
    char what[SUSPEND_TEXT_MAX + 2];
    struct suspension one;

    (void)state;
    for (unsigned i = 0; i < SUSPENSIONS_MAX; i++) {
        snprintf(what, sizeof(what), "d%u.test", i);
        one = suspension(SUSPEND_DOMAIN, what, 0);
        assert_true(suspensions_add(list, &one));
    }
    one = suspension(SUSPEND_DOMAIN, "more.test", 0);
    assert_false(suspensions_add(list, &one));
    one = suspension(SUSPEND_DOMAIN, "d7.test", 5); /* replaces */
    assert_true(suspensions_add(list, &one));
    memset(what, 'x', sizeof(what) - 1);
    what[sizeof(what) - 1] = '\0';
    one = suspension(SUSPEND_DOMAIN, what, 0);
    assert_false(suspensions_add(list, &one));
    one = suspension(SUSPEND_DOMAIN, "", 0);
    assert_false(suspensions_add(list, &one));
    suspensions_free(list);
}

static void test_the_stored_form_comes_back(void **state)
{
    struct suspensions *list = suspensions_new(), *again = suspensions_new();
    struct suspension one = suspension(SUSPEND_LANE, "world/mx.x", 77);
    struct suspension two = suspension(SUSPEND_SOURCE, "192.0.2.1", 0);
    const struct suspension *got;
    struct slice learnt = SLICE("192.0.2.7"), *sources = &learnt;
    struct arena arena;
    uint32_t n = 1;
    struct buf out;

    (void)state;
    one.reason = SLICE("they asked \"nicely\"");
    one.since_ms = 5;
    suspensions_add(list, &one);
    suspensions_add(list, &two);
    buf_init(&out, 4096);
    suspensions_encode(list, &out);
    assert_true(suspensions_decode(again, buf_slice(&out)));
    assert_int_equal(suspensions_count(again), 2);
    got = suspensions_at(again, 0);
    assert_int_equal(got->kind, SUSPEND_LANE);
    assert_true(slice_eq(got->what, one.what) && slice_eq(got->reason, one.reason));
    assert_true(got->since_ms == 5 && got->until_ms == 77 && slice_eq(got->by, SLICE("test")));
    arena_init(&arena);
    suspensions_add_sources(again, &arena, &sources, &n);
    assert_int_equal(n, 2);
    assert_true(slice_eq(sources[0], learnt) && slice_eq(sources[1], SLICE("192.0.2.1")));
    arena_done(&arena);
    for (size_t len = 0; len < out.len - 2; len++) {
        struct suspensions *cut = suspensions_new();
        assert_false(suspensions_decode(cut, slice_from(out.ptr, len)));
        suspensions_free(cut);
    }
    buf_done(&out);
    suspensions_free(list);
    suspensions_free(again);
}

/* One that is not sound is left out, and the others are in force. */
static void test_what_is_not_sound_is_told(void **state)
{
    struct suspensions *list = suspensions_new();

    (void)state;
    assert_false(suspensions_decode(list, SLICE("[{\"kind\":\"moon\",\"what\":\"x\"},"
                                                "{\"kind\":\"domain\",\"what\":\"x.test\"},"
                                                "{\"kind\":\"domain\"},7]")));
    assert_int_equal(suspensions_count(list), 1);
    assert_false(suspensions_decode(list, SLICE("{}")));
    suspensions_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whom_a_suspension_holds_back),
        cmocka_unit_test(test_one_of_a_kind_replaces_the_other_and_times_end),
        cmocka_unit_test(test_the_list_is_bounded),
        cmocka_unit_test(test_the_stored_form_comes_back),
        cmocka_unit_test(test_what_is_not_sound_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
