/* Who may try to log in, and who waits. */
#include "../cmocka_all.h"

#include "base/clock.h"
#include "relay/login_gate.h"

#include <poll.h>
#include <pthread.h>

#define ROUTE SLICE("smart")

static char words[LOGIN_WORDS_MAX];
static uint64_t left_ms;

static bool enter(struct login_gate *gate, struct slice route, struct login_pass *pass)
{
    words[0] = '\0';
    left_ms = 0;
    return login_gate_enter(gate, route, pass, &left_ms, words);
}

static void test_after_a_failure_nobody_tries(void **state)
{
    struct login_gate *gate = login_gate_new();
    struct login_pass pass;

    (void)state;
    assert_true(enter(gate, ROUTE, &pass));
    assert_true(pass.first);
    assert_int_equal(login_gate_leave(gate, ROUTE, &pass, LOGIN_FAILED, "wrong"),
                     LOGIN_SHUT_FIRST_MS);
    assert_false(enter(gate, ROUTE, &pass));
    assert_string_equal(words, "wrong");
    assert_in_range(left_ms, LOGIN_SHUT_FIRST_MS - 5000, LOGIN_SHUT_FIRST_MS);
    /* Other routes have other passwords. */
    assert_true(enter(gate, SLICE("other"), &pass));
    login_gate_leave(gate, SLICE("other"), &pass, LOGIN_WORKED, NULL);
    login_gate_reset(gate);
    assert_true(enter(gate, ROUTE, &pass));
    login_gate_leave(gate, ROUTE, &pass, LOGIN_WORKED, NULL);
    login_gate_free(gate);
}

static void test_once_proven_all_go_until_a_failure(void **state)
{
    struct login_gate *gate = login_gate_new();
    struct login_pass one, two;

    (void)state;
    assert_true(enter(gate, ROUTE, &one));
    login_gate_leave(gate, ROUTE, &one, LOGIN_WORKED, NULL);
    assert_true(enter(gate, ROUTE, &one));
    assert_true(enter(gate, ROUTE, &two));
    assert_false(one.first || two.first);
    assert_int_equal(login_gate_leave(gate, ROUTE, &one, LOGIN_FAILED, "locked"),
                     LOGIN_SHUT_FIRST_MS);
    /* One that was under way and fails too does not make it longer. */
    assert_int_equal(login_gate_leave(gate, ROUTE, &two, LOGIN_FAILED, "locked"),
                     LOGIN_SHUT_FIRST_MS);
    assert_false(enter(gate, ROUTE, &one));
    login_gate_free(gate);
}

static void test_a_lost_connection_says_nothing(void **state)
{
    struct login_gate *gate = login_gate_new();
    struct login_pass pass;

    (void)state;
    assert_true(enter(gate, ROUTE, &pass));
    assert_int_equal(login_gate_leave(gate, ROUTE, &pass, LOGIN_UNKNOWN, NULL), 0);
    assert_true(enter(gate, ROUTE, &pass));
    assert_true(pass.first);
    login_gate_leave(gate, ROUTE, &pass, LOGIN_UNKNOWN, NULL);
    login_gate_free(gate);
}

static void test_what_began_before_a_reset_does_not_count(void **state)
{
    struct login_gate *gate = login_gate_new();
    struct login_pass old, new;

    (void)state;
    assert_true(enter(gate, ROUTE, &old));
    login_gate_reset(gate);
    assert_true(enter(gate, ROUTE, &new));
    assert_true(new.first);
    assert_int_equal(login_gate_leave(gate, ROUTE, &old, LOGIN_FAILED, "the old password"), 0);
    login_gate_leave(gate, ROUTE, &new, LOGIN_WORKED, NULL);
    assert_true(enter(gate, ROUTE, &new));
    assert_false(new.first);
    login_gate_free(gate);
}

struct crowd {
    struct login_gate *gate;
    pthread_mutex_t lock;
    unsigned inside, most, shut;
};

static void *try_once(void *arg)
{
    struct crowd *crowd = arg;
    struct login_pass pass;
    char why[LOGIN_WORDS_MAX];
    uint64_t left;
    bool open = login_gate_enter(crowd->gate, ROUTE, &pass, &left, why);

    pthread_mutex_lock(&crowd->lock);
    crowd->inside += open;
    crowd->shut += !open;
    crowd->most = crowd->inside > crowd->most ? crowd->inside : crowd->most;
    pthread_mutex_unlock(&crowd->lock);
    if (!open)
        return NULL;
    poll(NULL, 0, 50);
    pthread_mutex_lock(&crowd->lock);
    crowd->inside--;
    pthread_mutex_unlock(&crowd->lock);
    login_gate_leave(crowd->gate, ROUTE, &pass, LOGIN_FAILED, "wrong");
    return NULL;
}

static void test_of_many_at_once_one_tries(void **state)
{
    struct crowd crowd = {.gate = login_gate_new(), .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[20];

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, try_once, &crowd), 0);
    for (unsigned i = 0; i < 20; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.most, 1);
    assert_int_equal(crowd.shut, 19);
    login_gate_free(crowd.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_a_failure_nobody_tries),
        cmocka_unit_test(test_once_proven_all_go_until_a_failure),
        cmocka_unit_test(test_a_lost_connection_says_nothing),
        cmocka_unit_test(test_what_began_before_a_reset_does_not_count),
        cmocka_unit_test(test_of_many_at_once_one_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
