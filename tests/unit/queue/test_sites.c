/* Questions for sites: asked once for all, again when relay comes back, and bounded. */
#include "queue/sites.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

struct fixture {
    struct sites *sites;
    uint64_t asked[20]; /* requests */
    char domain[64];    /* of the last one */
    unsigned n_asked;
    uint64_t heard[20]; /* waiters */
    unsigned n_heard;
    int result; /* of sending */
};

static int on_send(void *arg, const struct msg_site_ask *question)
{
    struct fixture *fixture = arg;

    if (fixture->result == 0) {
        fixture->asked[fixture->n_asked++ % 20] = question->request;
        snprintf(fixture->domain, sizeof(fixture->domain), "%.*s", SLICE_ARG(question->domain));
        assert_true(slice_eq(question->route, SLICE("world")));
    }
    return fixture->result;
}

static void on_answered(void *arg, uint64_t message_id)
{
    struct fixture *fixture = arg;

    fixture->heard[fixture->n_heard++] = message_id;
}

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));

    fixture->sites =
        sites_new(&(struct sites_events){.send = on_send, .answered = on_answered, .arg = fixture});
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    sites_free(((struct fixture *)*state)->sites);
    test_free(*state);
    return 0;
}

static const struct slice world = SLICE_INIT("world");

static bool ask(struct fixture *fixture, const char *domain, uint64_t message_id, uint64_t now)
{
    uint64_t since;

    return sites_ask(fixture->sites, world, slice_from_cstr(domain), message_id, now, &since);
}

static void answer(struct fixture *fixture, uint64_t request, uint32_t valid_ms, uint64_t now)
{
    struct msg_site site = {.request = request,
                            .status = SITE_FOUND,
                            .site = SLICE("mx.far.test"),
                            .valid_ms = valid_ms};

    sites_take(fixture->sites, &site, now);
}

static const struct msg_site *find(struct fixture *fixture, const char *domain, uint64_t now)
{
    return sites_find(fixture->sites, world, slice_from_cstr(domain), now);
}

static void test_one_question_for_all_who_ask(void **state)
{
    struct fixture *fixture = *state;

    assert_true(ask(fixture, "far.test", 1, 0));
    assert_true(ask(fixture, "FAR.test", 2, 10));
    assert_int_equal(fixture->n_asked, 1);
    assert_null(find(fixture, "far.test", 10));
    answer(fixture, fixture->asked[0], 60000, 100);
    assert_int_equal(fixture->n_heard, 2);
    assert_true(slice_eq(find(fixture, "Far.test", 60099)->site, SLICE("mx.far.test")));
    assert_null(find(fixture, "far.test", 60100));
    assert_null(find(fixture, "near.test", 100));
    /* Another route may lead it elsewhere. */
    assert_null(sites_find(fixture->sites, SLICE("corp"), SLICE("far.test"), 100));
}

static void test_an_answer_is_good_for_a_moment_at_least(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, "far.test", 1, 0);
    answer(fixture, fixture->asked[0], 0, 100);
    assert_non_null(find(fixture, "far.test", 100 + SITES_FRESH_MS - 1));
    assert_null(find(fixture, "far.test", 100 + SITES_FRESH_MS));
    sites_tick(fixture->sites, 100 + SITES_FRESH_MS);
    assert_int_equal(sites_known(fixture->sites), 0);
}

static void test_what_relay_lost_is_asked_again(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, "a.test", 1, 0);
    fixture->result = -EAGAIN;
    ask(fixture, "b.test", 2, 0);
    sites_lost(fixture->sites);
    fixture->result = 0;
    sites_send_more(fixture->sites);
    assert_int_equal(fixture->n_asked, 3);
    assert_string_equal(fixture->domain, "b.test");
    answer(fixture, fixture->asked[1], 60000, 3600000);
    answer(fixture, fixture->asked[2], 60000, 3600000);
    assert_int_equal(fixture->n_heard, 2);
    answer(fixture, fixture->asked[2], 60000, 3600000); /* a second time: nobody asked */
    assert_int_equal(fixture->n_heard, 2);
}

static void test_a_wrong_answer_can_be_dropped(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, "far.test", 1, 0);
    sites_drop(fixture->sites, world, SLICE("far.test")); /* not answered yet: stays */
    answer(fixture, fixture->asked[0], 60000, 0);
    assert_int_equal(fixture->n_heard, 1);
    sites_drop(fixture->sites, world, SLICE("far.test"));
    assert_null(find(fixture, "far.test", 1));
    ask(fixture, "far.test", 1, 2);
    assert_int_equal(fixture->n_asked, 2);
    sites_forget(fixture->sites);
    assert_int_equal(sites_pending(fixture->sites), 1);
}

static void test_both_kinds_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    char domain[32];
    unsigned i;

    for (i = 0; i < SITES_PENDING_MAX; i++) {
        snprintf(domain, sizeof(domain), "d%u.test", i);
        assert_true(ask(fixture, domain, 1, 0));
    }
    assert_false(ask(fixture, "more.test", 1, 0));
    assert_true(ask(fixture, "d0.test", 1, 0)); /* that one is asked already */
    for (i = 1; i <= SITES_MAX + 100; i++) {
        fixture->n_heard = 0;
        answer(fixture, i, 60000, i);
        snprintf(domain, sizeof(domain), "e%u.test", i);
        assert_true(ask(fixture, domain, 1, 0));
    }
    assert_int_equal(sites_pending(fixture->sites), SITES_PENDING_MAX);
    assert_int_equal(sites_known(fixture->sites), SITES_MAX - SITES_PENDING_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_question_for_all_who_ask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_is_good_for_a_moment_at_least, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_relay_lost_is_asked_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_wrong_answer_can_be_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_kinds_are_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
