/* Who guesses, what comes out of order, and what is offered. */
#include "login_bench.h"

#include "account/login_blocks.h"

/* ---- who guesses ----------------------------------------------------------------------------- */

static void test_blocks(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < 3; i++)
        plain(bench, "nobody@a.example", "secret");
    assert_int_equal(bench->reply.code, 535);
    plain(bench, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    assert_text(bench->reply.status, "4.7.0");
    prove(bench, MECHANISM_SCRAM_SHA_256, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    /* Still after a restart. */
    login_free(bench->login);
    start_login(bench);
    plain(bench, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    bench->client.address = SLICE("192.0.2.200");
    plain(bench, "joe@a.example", "secret");
    assert_in(bench, "joe@a.example", "password");
}

/* What began before the block ends behind it, right or wrong. */
static void test_guesses_at_once(void **state)
{
    struct bench *bench = *state;
    struct msg_sasl message = {.step = SASL_RESPONSE, .has_response = true};

    start(bench, MECHANISM_LOGIN, "joe@a.example", 13);
    await(bench);
    message.conversation = bench->conversation;
    for (int i = 0; i < 3; i++)
        plain(bench, "nobody@a.example", "guess");
    bench->conversation = message.conversation;
    message.response = SLICE("secret");
    post(bench, &message);
    await(bench);
    assert_out(bench, 454, "blocked");
}

static void test_proofs_at_once(void **state)
{
    static const struct slice first = SLICE_INIT("n,,n=joe@a.example,r=abcdef");
    struct bench *bench = *state;
    struct msg_sasl message = {.step = SASL_RESPONSE, .has_response = true};
    struct slice nonce;

    start(bench, MECHANISM_SCRAM_SHA_256, first.ptr, first.len);
    await(bench);
    message.conversation = bench->conversation;
    nonce = arena_dup(&bench->arena, bench->reply.data);
    nonce = slice_cut(&nonce, ',');
    for (int i = 0; i < 3; i++)
        plain(bench, "nobody@a.example", "guess");
    bench->conversation = message.conversation;
    message.response = arena_printf(
        &bench->arena,
        "c=biws,%.*s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SLICE_ARG(nonce));
    post(bench, &message);
    await(bench);
    assert_out(bench, 454, "blocked");
}

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

static void test_a_block_is_lifted(void **state)
{
    struct bench *bench = *state;
    struct loop_timer *timer = loop_timer(bench->loop, stop_loop, bench->loop);
    struct store *other;

    for (int i = 0; i < 3; i++)
        plain(bench, "joe@a.example", "wrong");
    plain(bench, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    /* As `nuncio account blocked` does it, in another process. */
    other = scratch_open(&bench->scratch);
    assert_int_equal(store_block_remove(other, SLICE("address"), SLICE(ADDRESS)), 0);
    store_close(other);
    loop_timer_arm(timer, clock_mono_ms() + 2500);
    loop_run(bench->loop);
    loop_timer_free(timer);
    plain(bench, "joe@a.example", "secret");
    assert_in(bench, "joe@a.example", "password");
}

static void count_block(void *arg, const struct store_block *block)
{
    unsigned *count = arg;

    (void)block;
    ++*count;
}

/* However many addresses guess: what is over is kept nowhere. */
static void test_blocks_that_are_over_are_forgotten(void **state)
{
    const struct config_auth rules = {.failures = 1, .block_first_ms = 1, .block_max_ms = 1};
    struct bench *bench = *state;
    struct login_blocks *blocks = login_blocks_new(&rules);
    unsigned count = 0;

    for (unsigned i = 0; i < 10; i++) {
        struct slice address = arena_printf(&bench->arena, "198.51.100.%u", i);
        assert_int_equal(login_blocks_failed(blocks, bench->store, address, SLICE_NULL), 0);
    }
    store_block_each(bench->store, count_block, &count);
    assert_int_equal(count, 10);
    usleep(5000);
    assert_int_equal(login_blocks_expire(blocks, bench->store), 0);
    count = 0;
    store_block_each(bench->store, count_block, &count);
    assert_int_equal(count, 0);
    login_blocks_free(blocks);
}

/* ---- order and bounds ------------------------------------------------------------------------ */

static void test_out_of_order(void **state)
{
    struct bench *bench = *state;

    start(bench, MECHANISM_PLAIN, "", 0);
    await(bench);
    assert_out(bench, 501, "no NUL in the PLAIN response");
    respond(bench, SLICE("x"));
    assert_out(bench, 454, "the conversation is gone");
    start(bench, MECHANISM_SCRAM_SHA_256_PLUS, NULL, 0);
    await(bench);
    assert_int_equal(bench->reply.code, 504);
    start(bench, MECHANISM_XOAUTH2, NULL, 0);
    await(bench);
    assert_int_equal(bench->reply.code, 504);
    start(bench, MECHANISM_CRAM_MD5, "x", 1);
    await(bench);
    assert_out(bench, 501, "CRAM-MD5 has no initial response");
    /* A response while the verdict waits for its time. */
    start(bench, MECHANISM_PLAIN, "\0joe\0wrong", 10);
    respond(bench, SLICE("x"));
    assert_out(bench, 454, "a response to nothing");
}

static void test_aborted(void **state)
{
    struct bench *bench = *state;

    start(bench, MECHANISM_PLAIN, "\0silent@b.example\0x", 19);
    assert_non_null(bench->asker);
    abandon(bench);
    assert_null(bench->asker);
    start(bench, MECHANISM_PLAIN, "\0joe@a.example\0wrong", 20);
    abandon(bench);
    abandon(bench);
    start(bench, MECHANISM_LOGIN, NULL, 0);
    await(bench);
    login_peer_down(bench->login, ROLE_RECEIVE);
    respond(bench, SLICE("joe@a.example"));
    assert_out(bench, 454, "the conversation is gone");
    plain(bench, "joe@a.example", "secret");
    assert_in(bench, "joe@a.example", "password");
}

/* Clients that begin and say no more do not keep others from logging in. */
static void test_idle_conversations_give_way(void **state)
{
    struct bench *bench = *state;
    uint64_t first = bench->conversation + 1;

    for (unsigned i = 0; i < LOGIN_CONVERSATIONS_MAX; i++) {
        start(bench, MECHANISM_LOGIN, NULL, 0);
        await(bench);
        assert_int_equal(bench->reply.outcome, SASL_CHALLENGE);
    }
    plain(bench, "joe@a.example", "secret");
    assert_in(bench, "joe@a.example", "password");
    bench->conversation = first;
    respond(bench, SLICE("joe@a.example"));
    assert_out(bench, 454, "the conversation is gone");
    bench->conversation = first + 1;
    respond(bench, SLICE("joe@a.example"));
    assert_int_equal(bench->reply.outcome, SASL_CHALLENGE);
}

static void test_what_is_offered(void **state)
{
    struct bench *bench = *state;
    const unsigned simple = MECHANISM_PLAIN | MECHANISM_LOGIN | MECHANISM_EXTERNAL;
    const unsigned scram = MECHANISM_SCRAM_SHA_256 | MECHANISM_SCRAM_SHA_256_PLUS;
    struct config *config = parse("hostname a.example\ndomain a.example\n"
                                  "auth { mechanisms SCRAM-SHA-256 PLAIN CRAM-MD5 OAUTHBEARER\n"
                                  "  oauth { introspection http://127.0.0.1:1/i } }\n");

    assert_int_equal(bench->mechanisms, simple | scram | MECHANISM_CRAM_MD5);
    /* The other directory has no SCRAM any more. */
    bench->fake_mechanisms = MECHANISM_PLAIN | MECHANISM_LOGIN;
    login_peer_up(bench->login, ROLE_RECEIVE);
    assert_int_equal(bench->mechanisms, simple | MECHANISM_CRAM_MD5);
    login_set_config(bench->login, config);
    assert_int_equal(bench->mechanisms, MECHANISM_SCRAM_SHA_256 | MECHANISM_PLAIN |
                                            MECHANISM_CRAM_MD5 | MECHANISM_OAUTHBEARER);
    config_unref(config);
}

static void test_status(void **state)
{
    struct bench *bench = *state;
    struct buf json;

    plain(bench, "joe@a.example", "secret");
    plain(bench, "joe@a.example", "wrong");
    buf_init(&json, 4096);
    login_status(bench->login, &json);
    assert_text(buf_slice(&json), "\"logins\":1,\"login_failures\":1,\"logins_blocked\":0,"
                                  "\"logins_put_off\":0,\"conversations\":0,\"blocks\":0,");
    buf_done(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocks),
        TEST(test_guesses_at_once),
        TEST(test_proofs_at_once),
        TEST(test_a_block_is_lifted),
        TEST(test_out_of_order),
        TEST(test_aborted),
        TEST(test_what_is_offered),
        TEST(test_status),
        TEST(test_idle_conversations_give_way),
        TEST(test_blocks_that_are_over_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
