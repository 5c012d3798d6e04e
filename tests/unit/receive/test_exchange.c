#include "receive/exchange.h"

#include "config/mechanism.h"
#include "io/channel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* The auth role keeps the last message, and answers when the test says so. */
static struct {
    struct exchanges *exchanges;
    unsigned messages, wakes;
    int failure;
    struct arena arena;
    struct msg_sasl last;
    const struct task *woken;
} auth;

static int take_message(void *arg, struct slice payload)
{
    (void)arg;
    if (auth.failure)
        return auth.failure;
    auth.messages++;
    payload = arena_dup(&auth.arena, payload);
    assert_int_equal(msg_sasl_decode(payload, &auth.arena, &auth.last), 0);
    return 0;
}

static void count_wake(struct task *task)
{
    auth.wakes++;
    auth.woken = task;
}

static void answer(uint64_t conversation, enum sasl_outcome outcome)
{
    struct msg_sasl_reply reply = {.conversation = conversation,
                                   .outcome = outcome,
                                   .data = SLICE("data"),
                                   .account = SLICE("joe@example.org"),
                                   .code = 535};
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_sasl_reply_encode(&out, &reply);
    exchanges_reply(auth.exchanges, buf_slice(&out));
    buf_done(&out);
}

static int setup(void **state)
{
    struct exchange_options options = {.send = take_message, .wake = count_wake};

    (void)state;
    memset(&auth, 0, sizeof(auth));
    arena_init(&auth.arena);
    auth.exchanges = exchanges_new(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    exchanges_free(auth.exchanges);
    arena_done(&auth.arena);
    return 0;
}

static struct exchange *start(void *task)
{
    struct msg_sasl message = {.mechanism = MECHANISM_PLAIN,
                               .has_response = true,
                               .response = SLICE("secret"),
                               .client = {.address = SLICE("192.0.2.1"), .tls = true}};

    return exchange_start(auth.exchanges, task, &message);
}

static enum sasl_outcome take(struct exchange *exchange)
{
    struct exchange_answer *taken = exchange_take(auth.exchanges, exchange);
    enum sasl_outcome outcome = taken ? taken->reply.outcome : 0;

    if (outcome == SASL_DONE)
        assert_true(slice_eq(taken->reply.account, SLICE("joe@example.org")));
    exchange_answer_free(taken);
    return outcome;
}

static void test_a_conversation(void **state)
{
    struct exchange *exchange = start(&auth);

    (void)state;
    assert_non_null(exchange);
    assert_int_equal(auth.last.step, SASL_START);
    assert_int_equal(auth.last.mechanism, MECHANISM_PLAIN);
    assert_true(auth.last.has_response);
    assert_true(slice_eq(auth.last.response, SLICE("secret")));
    assert_int_equal(take(exchange), 0);
    answer(auth.last.conversation, SASL_CHALLENGE);
    assert_int_equal(auth.wakes, 1);
    assert_ptr_equal(auth.woken, &auth);
    assert_int_equal(take(exchange), SASL_CHALLENGE);
    assert_int_equal(take(exchange), 0);
    assert_true(exchange_respond(auth.exchanges, exchange, SLICE("more")));
    assert_int_equal(auth.last.step, SASL_RESPONSE);
    assert_true(slice_eq(auth.last.response, SLICE("more")));
    answer(auth.last.conversation, SASL_DONE);
    assert_int_equal(take(exchange), SASL_DONE);
    exchange_end(auth.exchanges, exchange);
    assert_int_equal(auth.messages, 2); /* nothing to abort */
}

static void test_who_leaves_says_so_and_is_forgotten(void **state)
{
    struct exchange *one = start(NULL), *two = start(NULL);
    uint64_t second = auth.last.conversation;

    (void)state;
    exchange_end(auth.exchanges, one);
    assert_int_equal(auth.last.step, SASL_ABORT);
    assert_int_equal(auth.last.conversation, second - 1);
    answer(second - 1, SASL_DONE);
    answer(second + 7, SASL_DONE);
    exchanges_reply(auth.exchanges, SLICE("nonsense"));
    assert_int_equal(auth.wakes, 0);
    answer(second, SASL_FAILED);
    answer(second, SASL_DONE); /* which nobody asked for */
    assert_int_equal(take(two), SASL_FAILED);
    assert_int_equal(take(two), 0);
    exchange_end(auth.exchanges, two);
    exchange_end(auth.exchanges, NULL);
    assert_int_equal(auth.messages, 3);
}

static void test_auth_is_lost(void **state)
{
    struct exchange *waiting = start(NULL), *asked = start(NULL), *done;

    (void)state;
    answer(auth.last.conversation, SASL_CHALLENGE);
    assert_int_equal(take(asked), SASL_CHALLENGE);
    done = start(NULL);
    answer(auth.last.conversation, SASL_DONE);
    exchanges_lost(auth.exchanges);
    assert_int_equal(take(waiting), SASL_FAILED);
    assert_false(exchange_respond(auth.exchanges, asked, SLICE("more")));
    assert_int_equal(take(done), SASL_DONE);
    exchange_end(auth.exchanges, waiting);
    exchange_end(auth.exchanges, asked);
    exchange_end(auth.exchanges, done);
    assert_int_equal(auth.messages, 3);
    auth.failure = -ENOTCONN;
    assert_null(start(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_conversation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_leaves_says_so_and_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_auth_is_lost, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
