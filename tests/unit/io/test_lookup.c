#include "io/lookup.h"

#include "base/clock.h"
#include "io/channel.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

/* Auth in the same thread: answers while the question is being sent, or not at all. */
struct auth {
    struct lookup *lookup;
    atomic_uint questions;
    enum resolve_status status; /* 0: silence */
    int failure;
};

static int answer_submission(struct auth *auth, struct slice payload)
{
    struct msg_submission question;
    struct msg_submission_reply answer = {.verdict = SUBMISSION_HOLD, .text = SLICE("too much")};
    struct buf out;

    assert_int_equal(msg_submission_decode(payload, NULL, &question), 0);
    assert_true(slice_eq(question.account, SLICE("joe@example.org")));
    assert_int_equal(question.recipients, 3);
    answer.request = question.request;
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_submission_reply_encode(&out, &answer);
    lookup_submission_answer(auth->lookup, buf_slice(&out));
    buf_done(&out);
    return 0;
}

static int answer_at_once(void *arg, enum message_type type, struct slice payload)
{
    struct auth *auth = arg;
    struct msg_resolved answer = {.status = auth->status};
    struct msg_resolve question;
    struct buf out;

    atomic_fetch_add(&auth->questions, 1);
    if (auth->failure || auth->status == 0)
        return auth->failure;
    if (type == MSG_SUBMISSION)
        return answer_submission(auth, payload);
    assert_int_equal(type, MSG_RESOLVE);
    assert_int_equal(msg_resolve_decode(payload, NULL, &question), 0);
    answer.request = question.request;
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_resolved_encode(&out, &answer);
    lookup_answer(auth->lookup, buf_slice(&out));
    buf_done(&out);
    return 0;
}

static void setup_auth(struct auth *auth, unsigned waiting_max)
{
    const struct ask_options options = {
        .send = answer_at_once, .arg = auth, .waiting_max = waiting_max, .timeout_ms = 100};

    *auth = (struct auth){.lookup = lookup_new(&options)};
}

static void test_answers_are_kept_for_a_while(void **state)
{
    struct auth auth;

    (void)state;
    setup_auth(&auth, 4);
    auth.status = RESOLVE_LOCAL;
    assert_int_equal(lookup_ask(auth.lookup, SLICE("joe@example.org")), RESOLVE_LOCAL);
    auth.status = RESOLVE_UNKNOWN;
    assert_int_equal(lookup_ask(auth.lookup, SLICE("joe@example.org")), RESOLVE_LOCAL);
    assert_int_equal(lookup_ask(auth.lookup, SLICE("ann@example.org")), RESOLVE_UNKNOWN);
    assert_int_equal(lookup_ask(auth.lookup, SLICE("ann@example.org")), RESOLVE_UNKNOWN);
    assert_int_equal(atomic_load(&auth.questions), 2);
    usleep(1100 * 1000);
    assert_int_equal(lookup_ask(auth.lookup, SLICE("joe@example.org")), RESOLVE_UNKNOWN);
    assert_int_equal(atomic_load(&auth.questions), 3);
    lookup_free(auth.lookup);
}

static void test_later_is_not_kept(void **state)
{
    struct auth auth;
    uint64_t before;

    (void)state;
    setup_auth(&auth, 4);
    auth.status = RESOLVE_LATER;
    assert_int_equal(lookup_ask(auth.lookup, SLICE("joe@example.org")), RESOLVE_LATER);
    auth.status = 0;
    before = clock_mono_ms();
    assert_int_equal(lookup_ask(auth.lookup, SLICE("joe@example.org")), RESOLVE_LATER);
    assert_true(clock_mono_ms() - before >= 90);
    auth.failure = -EMSGSIZE;
    assert_int_equal(lookup_ask(auth.lookup, SLICE("joe@example.org")), RESOLVE_LATER);
    auth.failure = 0;
    auth.status = RESOLVE_LOCAL;
    assert_int_equal(lookup_ask(auth.lookup, SLICE("joe@example.org")), RESOLVE_LOCAL);
    lookup_close(auth.lookup);
    assert_int_equal(lookup_ask(auth.lookup, SLICE("ann@example.org")), RESOLVE_LATER);
    lookup_free(auth.lookup);
}

static void test_who_may_send_as_an_address_is_another_question(void **state)
{
    struct slice address = SLICE("info@example.org"), joe = SLICE("joe@example.org");
    struct auth auth;

    (void)state;
    setup_auth(&auth, 4);
    auth.status = RESOLVE_LOCAL;
    assert_int_equal(lookup_ask(auth.lookup, address), RESOLVE_LOCAL);
    auth.status = RESOLVE_OWN;
    assert_int_equal(lookup_ask_owner(auth.lookup, joe, address), RESOLVE_OWN);
    auth.status = RESOLVE_UNKNOWN;
    assert_int_equal(lookup_ask_owner(auth.lookup, SLICE("ann@example.org"), address),
                     RESOLVE_UNKNOWN);
    assert_int_equal(lookup_ask_owner(auth.lookup, address, joe), RESOLVE_UNKNOWN);
    assert_int_equal(atomic_load(&auth.questions), 4);
    assert_int_equal(lookup_ask_owner(auth.lookup, joe, address), RESOLVE_OWN);
    assert_int_equal(lookup_ask(auth.lookup, address), RESOLVE_LOCAL);
    assert_int_equal(atomic_load(&auth.questions), 4);
    lookup_free(auth.lookup);
}

static void test_submissions_are_asked_for_each_time(void **state)
{
    struct msg_submission question = {.account = SLICE("joe@example.org"), .recipients = 3};
    struct msg_submission_reply reply;
    struct arena arena;
    struct auth auth;

    (void)state;
    arena_init(&arena);
    setup_auth(&auth, 4);
    auth.status = RESOLVE_LOCAL;
    for (unsigned i = 0; i < 2; i++) {
        lookup_ask_submission(auth.lookup, &question, &arena, &reply);
        assert_int_equal(reply.verdict, SUBMISSION_HOLD);
        assert_true(slice_eq(reply.text, SLICE("too much")));
    }
    assert_int_equal(atomic_load(&auth.questions), 2);
    auth.status = 0;
    lookup_ask_submission(auth.lookup, &question, &arena, &reply);
    assert_int_equal(reply.verdict, 0);
    lookup_submission_answer(auth.lookup, SLICE("nonsense"));
    lookup_free(auth.lookup);
    arena_done(&arena);
}

static void *ask(void *arg)
{
    struct auth *auth = arg;
    return (void *)(uintptr_t)lookup_ask(auth->lookup, SLICE("joe@example.org"));
}

static void test_a_crowd_waits_for_a_place(void **state)
{
    struct auth auth;
    pthread_t threads[8];
    uint64_t before = clock_mono_ms();

    (void)state;
    setup_auth(&auth, 1);
    auth.status = RESOLVE_LOCAL;
    for (unsigned i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, ask, &auth);
    for (unsigned i = 0; i < 8; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((uintptr_t)status, RESOLVE_LOCAL);
    }
    /* Nobody slept until the end of patience because the one before had found an answer kept. */
    assert_true(clock_mono_ms() - before < 4000);
    lookup_free(auth.lookup);
}

static void test_nonsense_and_late_answers_are_dropped(void **state)
{
    struct auth auth;

    (void)state;
    setup_auth(&auth, 1);
    lookup_answer(auth.lookup, SLICE("nonsense"));
    lookup_answer(auth.lookup, SLICE_NULL);
    lookup_lost(auth.lookup);
    lookup_free(auth.lookup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_kept_for_a_while),
        cmocka_unit_test(test_later_is_not_kept),
        cmocka_unit_test(test_who_may_send_as_an_address_is_another_question),
        cmocka_unit_test(test_submissions_are_asked_for_each_time),
        cmocka_unit_test(test_a_crowd_waits_for_a_place),
        cmocka_unit_test(test_nonsense_and_late_answers_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
