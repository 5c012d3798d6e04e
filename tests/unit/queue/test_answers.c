/* Questions to auth: asked once for all, answered to all, and never without an end. */
#include "queue/answers.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>

struct fixture {
    struct answers *answers;
    uint64_t asked[100]; /* requests */
    unsigned n_asked;
    uint64_t heard[100]; /* waiters */
    unsigned n_heard;
    int result; /* of sending */
};

static int on_send(void *arg, const struct msg_resolve *question)
{
    struct fixture *fixture = arg;

    if (fixture->result == 0)
        fixture->asked[fixture->n_asked++] = question->request;
    return fixture->result;
}

static void on_answered(void *arg, struct answers_waiter waiter)
{
    struct fixture *fixture = arg;

    fixture->heard[fixture->n_heard++] = waiter.number;
}

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));

    fixture->answers = answers_new(
        &(struct answers_events){.send = on_send, .answered = on_answered, .arg = fixture});
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    answers_free(((struct fixture *)*state)->answers);
    test_free(*state);
    return 0;
}

static const struct slice joe = SLICE_INIT("joe@example.org"), JOE = SLICE_INIT("Joe@Example.ORG");

static void ask(struct fixture *fixture, struct slice address, struct slice via, uint64_t waiter,
                uint64_t now)
{
    answers_ask(fixture->answers, address, via, (struct answers_waiter){.number = waiter}, now);
}

static void answer(struct fixture *fixture, uint64_t request, uint64_t now)
{
    struct msg_resolved resolved = {
        .request = request, .status = RESOLVE_LOCAL, .account = SLICE("joe@example.org")};

    answers_take(fixture->answers, &resolved, now);
}

static void test_one_question_for_all_who_ask(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, joe, SLICE_NULL, 1, 0);
    ask(fixture, JOE, SLICE("alias@example.org"), 2, 0);
    assert_int_equal(fixture->n_asked, 1);
    assert_null(answers_find(fixture->answers, joe, SLICE_NULL, 1000, 0));
    answer(fixture, fixture->asked[0], 10);
    assert_int_equal(fixture->n_heard, 2);
    assert_int_equal(answers_find(fixture->answers, JOE, SLICE_NULL, 1000, 1010)->status,
                     RESOLVE_LOCAL);
    assert_null(answers_find(fixture->answers, joe, SLICE_NULL, 1000, 1011));
}

static void test_an_address_that_came_from_itself_is_another_question(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, joe, SLICE_NULL, 1, 0);
    ask(fixture, joe, JOE, 2, 0);
    assert_int_equal(fixture->n_asked, 2);
    answer(fixture, fixture->asked[0], 10);
    assert_null(answers_find(fixture->answers, joe, joe, 1000, 10));
}

static void test_what_cannot_go_now_goes_later(void **state)
{
    struct fixture *fixture = *state;

    fixture->result = -EAGAIN;
    ask(fixture, joe, SLICE_NULL, 1, 0);
    assert_int_equal(fixture->n_asked, 0);
    assert_int_equal(answers_pending(fixture->answers), 1);
    fixture->result = 0;
    answers_send_more(fixture->answers);
    assert_int_equal(fixture->n_asked, 1);
}

static void test_everybody_hears_when_auth_is_lost(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, joe, SLICE_NULL, 1, 0);
    ask(fixture, SLICE("ann@example.org"), SLICE_NULL, 2, 0);
    answers_lost(fixture->answers, 5);
    assert_int_equal(fixture->n_heard, 2);
    assert_int_equal(answers_find(fixture->answers, joe, SLICE_NULL, 1000, 5)->status,
                     RESOLVE_LATER);
    /* A late answer of the one that died is nobody's. */
    answer(fixture, fixture->asked[0], 6);
    assert_int_equal(fixture->n_heard, 2);
}

static void test_a_question_has_a_deadline(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, joe, SLICE_NULL, 1, 1000);
    answers_tick(fixture->answers, 1000 + ANSWERS_DEADLINE_MS);
    assert_int_equal(fixture->n_heard, 0);
    answers_tick(fixture->answers, 1001 + ANSWERS_DEADLINE_MS);
    assert_int_equal(fixture->n_heard, 1);
    assert_int_equal(answers_pending(fixture->answers), 0);
}

static void test_old_answers_are_forgotten(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, joe, SLICE_NULL, 1, 0);
    answer(fixture, fixture->asked[0], 0);
    answers_tick(fixture->answers, ANSWERS_KEEP_MS + 1);
    assert_null(answers_find(fixture->answers, joe, SLICE_NULL, UINT64_MAX, 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_question_for_all_who_ask),
        TEST(test_an_address_that_came_from_itself_is_another_question),
        TEST(test_what_cannot_go_now_goes_later),
        TEST(test_everybody_hears_when_auth_is_lost),
        TEST(test_a_question_has_a_deadline),
        TEST(test_old_answers_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
