#include "../cmocka_all.h"
#include "scratch.h"

#include "account/breaker.h"
#include "account/freezing.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/channel.h"

#include <sqlite3.h>

static const char config_text[] = "hostname mx.example.org\nstate %s\ndomain example.org\n"
                                  "account_limits { messages_per_minute 3; messages_per_hour 5;"
                                  " recipients_per_hour 600; bounces_per_hour 10 }\n";

enum { SENT_MAX = 32 };

static struct bench {
    struct scratch scratch;
    struct config *config;
    struct store *store, *other; /* auth's, and the command line's */
    struct directories *directories;
    struct loop *loop;
    struct files *files;
    struct freezing *freezing;
    struct {
        enum role to;
        uint16_t type;
        struct slice payload;
    } sent[SENT_MAX];
    unsigned n_sent;
    struct arena arena;
    uint64_t request;
} bench;

static void on_send(void *arg, enum role to, uint16_t type, struct slice payload)
{
    (void)arg;
    assert_in_range(bench.n_sent, 0, SENT_MAX - 1);
    bench.sent[bench.n_sent].to = to;
    bench.sent[bench.n_sent].type = type;
    bench.sent[bench.n_sent++].payload = arena_dup(&bench.arena, payload);
}

static void make_config(void)
{
    struct config_bundle bundle;
    struct problem_list problems;
    char text[512];

    snprintf(text, sizeof(text), config_text, bench.scratch.folder);
    problem_list_init(&problems);
    config_bundle_from_text(SLICE("test.conf"), slice_from_cstr(text), &bundle);
    assert_int_equal(config_parse(&bundle, &bench.config, &problems), 0);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
}

/* The process, without what it had in memory. */
static void start(void)
{
    bench.store = scratch_open(&bench.scratch);
    bench.loop = loop_new();
    bench.files = files_new();
    bench.directories = directories_new(bench.loop, bench.files);
    directories_set_config(bench.directories, bench.config);
    directories_set_store(bench.directories, bench.store);
    bench.freezing = freezing_new(bench.config, bench.directories, bench.loop, on_send, &bench);
    bench.n_sent = 0;
}

static void stop(void)
{
    freezing_free(bench.freezing);
    directories_free(bench.directories);
    files_free(bench.files);
    store_close(bench.store);
    loop_free(bench.loop);
}

static int set_up(void **state)
{
    (void)state;
    memset(&bench, 0, sizeof(bench));
    arena_init(&bench.arena);
    scratch_init(&bench.scratch);
    make_config();
    start();
    bench.other = scratch_open(&bench.scratch);
    add_account(bench.other, "joe@example.org");
    return 0;
}

static int tear_down(void **state)
{
    char path[128];

    (void)state;
    stop();
    store_close(bench.other);
    snprintf(path, sizeof(path), "%s/accounts/counts", bench.scratch.folder);
    unlink(path);
    scratch_done(&bench.scratch);
    config_unref(bench.config);
    arena_done(&bench.arena);
    return 0;
}

/* Copies what an encoder wrote, and makes the buffer ready for the next. */
static struct slice keep(struct buf *out)
{
    struct slice copy = arena_dup(&bench.arena, buf_slice(out));

    buf_done(out);
    return copy;
}

static bool take_bounced(uint32_t recipients)
{
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_bounced_encode(
        &out, &(struct msg_bounced){.account = SLICE("joe@example.org"), .recipients = recipients});
    return freezing_take(bench.freezing, ROLE_QUEUE, MSG_BOUNCED, keep(&out));
}

static struct msg_submission_reply last_reply(void)
{
    struct msg_submission_reply reply = {0};

    for (unsigned i = bench.n_sent; i-- > 0;) {
        if (bench.sent[i].type != MSG_SUBMISSION_REPLY)
            continue;
        assert_int_equal(bench.sent[i].to, ROLE_RECEIVE);
        assert_int_equal(msg_submission_reply_decode(bench.sent[i].payload, &bench.arena, &reply),
                         0);
        assert_true(reply.request == bench.request);
        return reply;
    }
    fail_msg("there is no reply");
    return reply;
}

static struct msg_submission_reply submit(const char *account, uint32_t recipients)
{
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_submission_encode(&out, &(struct msg_submission){.request = ++bench.request,
                                                         .account = slice_from_cstr(account),
                                                         .client_address = SLICE("192.0.2.1"),
                                                         .recipients = recipients,
                                                         .size = 1000});
    assert_true(freezing_take(bench.freezing, ROLE_RECEIVE, MSG_SUBMISSION, keep(&out)));
    return last_reply();
}

static void assert_text(struct msg_submission_reply reply, const char *text)
{
    if (!slice_eq(reply.text, slice_from_cstr(text)))
        fail_msg("it says \"%.*s\"", SLICE_ARG(reply.text));
}

/* How many MSG_FROZEN were sent; the last one's content. */
static unsigned frozen_sent(struct msg_frozen *ret_frozen)
{
    unsigned n = 0;

    for (unsigned i = 0; i < bench.n_sent; i++) {
        if (bench.sent[i].type != MSG_FROZEN)
            continue;
        assert_int_equal(bench.sent[i].to, ROLE_QUEUE);
        assert_int_equal(msg_frozen_decode(bench.sent[i].payload, &bench.arena, ret_frozen), 0);
        n++;
    }
    return n;
}

static void take_frozen(const struct msg_frozen *frozen)
{
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_frozen_taken_encode(
        &out, &(struct msg_frozen_taken){.account = frozen->account, .since_ms = frozen->since_ms});
    assert_true(freezing_take(bench.freezing, ROLE_QUEUE, MSG_FROZEN_TAKEN, keep(&out)));
}

static void on_stop(void *arg)
{
    (void)arg;
    loop_stop(bench.loop);
}

static void wait_a_look(void)
{
    struct loop_timer *timer = loop_timer(bench.loop, on_stop, NULL);

    loop_timer_arm(timer, clock_mono_ms() + 1100);
    assert_int_equal(loop_run(bench.loop), 0);
    loop_timer_free(timer);
}

static void test_who_may_send_may(void **state)
{
    (void)state;
    assert_int_equal(submit("joe@example.org", 10).verdict, SUBMISSION_GO);
    assert_int_equal(submit("nobody@example.org", 1).verdict, SUBMISSION_REFUSE);
    assert_int_equal(submit("joe@foreign.example", 1).verdict, SUBMISSION_REFUSE);
    assert_int_equal(store_account_set_enabled(bench.other, SLICE("joe@example.org"), false), 0);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_REFUSE);
    assert_text(last_reply(), "the account may not send any more");
}

static void test_too_many_a_minute_come_later(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_GO);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_LATER);
    assert_text(last_reply(), "4 messages in a minute, the limit is 3");
}

/* Whoever has the password does not fill the disk with what waits for the administrator. */
static void test_what_is_held_has_its_bound(void **state)
{
    (void)state;
    for (int i = 0; i <= BREAKER_HELD_MIN; i++) {
        bench.n_sent = 0;
        if (i == 0)
            assert_int_equal(submit("joe@example.org", 601).verdict, SUBMISSION_HOLD);
        else
            assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
    }
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_LATER);
    assert_text(last_reply(), "101 messages held in an hour, the limit is 100");
}

static void test_too_many_an_hour_freeze_it_before_the_answer(void **state)
{
    struct store_freeze freeze;
    struct msg_frozen frozen;

    (void)state;
    assert_int_equal(submit("joe@example.org", 600).verdict, SUBMISSION_GO);
    assert_int_equal(submit("joe@example.org", 12).verdict, SUBMISSION_HOLD);
    assert_text(last_reply(), "the account is frozen: 612 recipients in an hour, the limit is 600");
    assert_int_equal(
        store_freeze_find(bench.other, &bench.arena, SLICE("joe@example.org"), &freeze), 0);
    assert_true(freeze.tell && !freeze.told);
    assert_int_equal(frozen_sent(&frozen), 1);
    assert_true(slice_eq(frozen.account, SLICE("joe@example.org")));
    assert_true(slice_eq(frozen.why, SLICE("612 recipients in an hour, the limit is 600")));
    assert_true(frozen.tell && frozen.since_ms == freeze.since_ms);
    /* What comes now is held, with the first reason. */
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
    assert_text(last_reply(), "the account is frozen: 612 recipients in an hour, the limit is 600");
    assert_int_equal(frozen_sent(&frozen), 1);
}

static void test_the_queue_is_told_until_it_has_taken_it(void **state)
{
    struct msg_frozen frozen;

    (void)state;
    submit("joe@example.org", 601);
    freezing_peer_up(bench.freezing, ROLE_QUEUE);
    freezing_peer_up(bench.freezing, ROLE_RECEIVE);
    assert_int_equal(frozen_sent(&frozen), 2);
    /* A new auth tells it, too. */
    stop();
    start();
    freezing_peer_up(bench.freezing, ROLE_QUEUE);
    assert_int_equal(frozen_sent(&frozen), 1);
    take_frozen(&(struct msg_frozen){.account = frozen.account, .since_ms = 1}); /* an older one */
    freezing_peer_up(bench.freezing, ROLE_QUEUE);
    assert_int_equal(frozen_sent(&frozen), 2);
    take_frozen(&frozen);
    freezing_peer_up(bench.freezing, ROLE_QUEUE);
    assert_int_equal(frozen_sent(&frozen), 2);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
}

static void test_a_thawed_account_begins_anew(void **state)
{
    (void)state;
    submit("joe@example.org", 600);
    submit("joe@example.org", 1);
    assert_int_equal(store_freeze_remove(bench.other, SLICE("joe@example.org")), 0);
    assert_int_equal(submit("joe@example.org", 600).verdict, SUBMISSION_GO);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
}

static void test_a_freeze_from_the_command_line_is_noticed(void **state)
{
    const struct store_freeze freeze = {
        .account = SLICE("joe@example.org"), .since_ms = 42, .why = SLICE("by the administrator")};
    struct msg_frozen frozen;

    (void)state;
    wait_a_look();
    assert_int_equal(store_freeze_add(bench.other, &freeze), 0);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
    wait_a_look();
    assert_int_equal(frozen_sent(&frozen), 1);
    assert_true(frozen.since_ms == 42 && !frozen.tell);
    wait_a_look();
    assert_int_equal(frozen_sent(&frozen), 1); /* not each second again */
}

static void test_bounces_freeze_it(void **state)
{
    struct msg_frozen frozen;

    (void)state;
    assert_true(take_bounced(10));
    assert_int_equal(frozen_sent(&frozen), 0);
    assert_true(take_bounced(1));
    assert_int_equal(frozen_sent(&frozen), 1);
    assert_true(slice_eq(frozen.why, SLICE("11 refused recipients in an hour, the limit is 10")));
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
}

static void test_an_account_has_limits_of_its_own(void **state)
{
    struct store_limits limits = {STORE_LIMIT_DEFAULT, 0, STORE_LIMIT_DEFAULT, 1000,
                                  STORE_LIMIT_DEFAULT};

    (void)state;
    assert_int_equal(store_limits_set(bench.other, SLICE("joe@example.org"), &limits), 0);
    assert_int_equal(submit("joe@example.org", 900).verdict, SUBMISSION_GO);
    for (int i = 0; i < 4; i++)
        assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_GO);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
    assert_text(last_reply(), "the account is frozen: 6 messages in an hour, the limit is 5");
}

static void test_a_restart_gives_no_new_hour(void **state)
{
    (void)state;
    assert_int_equal(submit("joe@example.org", 600).verdict, SUBMISSION_GO);
    stop();
    start();
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_HOLD);
}

static void test_without_the_store_it_is_later(void **state)
{
    sqlite3 *locker;

    (void)state;
    directories_set_store(bench.directories, NULL);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_LATER);
    assert_text(last_reply(), "it cannot be told now whether the account may send");
    directories_set_store(bench.directories, bench.store);
    assert_int_equal(submit("joe@example.org", 1).verdict, SUBMISSION_GO);
    /* A freeze that cannot be written: neither a yes nor a held message without a freeze. */
    assert_int_equal(sqlite3_open(bench.scratch.path, &locker), SQLITE_OK);
    assert_int_equal(sqlite3_exec(locker, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(submit("joe@example.org", 600).verdict, SUBMISSION_LATER);
    sqlite3_close(locker);
    assert_int_equal(submit("joe@example.org", 600).verdict, SUBMISSION_HOLD);
}

static void test_what_is_not_for_it_is_left(void **state)
{
    (void)state;
    assert_false(freezing_take(bench.freezing, ROLE_RECEIVE, MSG_RESOLVE, SLICE("")));
    assert_false(freezing_take(bench.freezing, ROLE_RECEIVE, MSG_BOUNCED, SLICE("")));
    assert_false(freezing_take(bench.freezing, ROLE_QUEUE, MSG_SUBMISSION, SLICE("")));
    assert_true(freezing_take(bench.freezing, ROLE_QUEUE, MSG_BOUNCED, SLICE("x")));
    assert_true(freezing_take(bench.freezing, ROLE_QUEUE, MSG_FROZEN_TAKEN, SLICE("x")));
    assert_true(freezing_take(bench.freezing, ROLE_RECEIVE, MSG_SUBMISSION, SLICE("x")));
    assert_int_equal(bench.n_sent, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_who_may_send_may),
        T(test_too_many_a_minute_come_later),
        T(test_what_is_held_has_its_bound),
        T(test_too_many_an_hour_freeze_it_before_the_answer),
        T(test_the_queue_is_told_until_it_has_taken_it),
        T(test_a_thawed_account_begins_anew),
        T(test_a_freeze_from_the_command_line_is_noticed),
        T(test_bounces_freeze_it),
        T(test_an_account_has_limits_of_its_own),
        T(test_a_restart_gives_no_new_hour),
        T(test_without_the_store_it_is_later),
        T(test_what_is_not_for_it_is_left),
    };
    log_setup("auth", LOG_ERROR + 1, LOG_LOGFMT, 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
