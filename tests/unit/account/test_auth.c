/* The role as its peers see it: a process of its own with real channels. */
#include "../cmocka_all.h"
#include "scratch.h"

#include "account/auth.h"
#include "base/log.h"
#include "config/config.h"
#include "io/login_message.h"

#include <poll.h>
#include <sys/wait.h>

struct bench {
    struct scratch scratch;
    pid_t pid;
    int parent, receive; /* our ends */
};

static struct config *make_config(const char *folder)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;
    char text[256];

    snprintf(text, sizeof(text), "hostname a.example\nstate %s\ndomain a.example\n", folder);
    problem_list_init(&problems);
    config_bundle_from_text(SLICE("test.conf"), slice_from_cstr(text), &bundle);
    config_parse(&bundle, &config, &problems);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return config;
}

static int no_sandbox(struct role_context *role)
{
    return channel_send(role->parent, MSG_READY, SLICE("ready"), NULL, 0);
}

static int run_role(const char *folder, int parent)
{
    struct role_context role = {.self = ROLE_AUTH,
                                .loop = loop_new(),
                                .config = make_config(folder),
                                .parent = parent,
                                .control = -1,
                                .lock_in = no_sandbox};
    int code;

    log_setup("auth", LOG_ERROR, LOG_LOGFMT, 2);
    for (int i = 0; i < ROLE_COUNT; i++)
        role.peers[i] = -1;
    code = auth_main(&role);
    config_unref(role.config);
    loop_free(role.loop);
    return code;
}

static struct channel_message next_message(int fd, char *buffer)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct channel_message message;

    assert_int_equal(poll(&wait, 1, 10000), 1);
    assert_int_equal(channel_receive(fd, buffer, CHANNEL_PAYLOAD_MAX + 2, &message), 0);
    return message;
}

static int set_up(void **state)
{
    static char buffer[CHANNEL_PAYLOAD_MAX + 2];
    struct bench *bench = calloc(1, sizeof(*bench));
    int pair[2], peer[2];
    struct buf out;

    scratch_init(&bench->scratch);
    assert_int_equal(channel_pair(pair), 0);
    fflush(NULL);
    bench->pid = fork();
    assert_true(bench->pid >= 0);
    if (bench->pid == 0) {
        close(pair[0]);
        _exit(run_role(bench->scratch.folder, pair[1]));
    }
    close(pair[1]);
    bench->parent = pair[0];
    assert_int_equal(next_message(bench->parent, buffer).type, MSG_READY);
    assert_int_equal(channel_pair(peer), 0);
    buf_init(&out, 64);
    msg_peer_encode(&out, &(struct msg_peer){.role = ROLE_RECEIVE});
    assert_int_equal(channel_send(bench->parent, MSG_PEER, buf_slice(&out), &peer[1], 1), 0);
    buf_done(&out);
    close(peer[1]);
    bench->receive = peer[0];
    /* The first thing that receive hears. */
    assert_int_equal(next_message(bench->receive, buffer).type, MSG_MECHANISMS);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    int status;

    assert_int_equal(channel_send(bench->parent, MSG_STOP, SLICE_NULL, NULL, 0), 0);
    assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(bench->parent);
    close(bench->receive);
    scratch_done(&bench->scratch);
    free(bench);
    return 0;
}

static void ask(struct bench *bench, uint64_t request, const char *address)
{
    struct buf out;

    buf_init(&out, 4096);
    msg_resolve_encode(
        &out, &(struct msg_resolve){.request = request, .address = slice_from_cstr(address)});
    assert_int_equal(
        channel_send_wait(bench->receive, MSG_RESOLVE, buf_slice(&out), NULL, 0, 10000), 0);
    buf_done(&out);
}

static uint64_t take_answer(struct bench *bench, enum resolve_status want)
{
    static char buffer[CHANNEL_PAYLOAD_MAX + 2];
    struct channel_message message = next_message(bench->receive, buffer);
    struct msg_resolved answer;
    struct arena arena;

    arena_init(&arena);
    assert_int_equal(message.type, MSG_RESOLVED);
    assert_int_equal(msg_resolved_decode(message.payload, &arena, &answer), 0);
    assert_int_equal(answer.status, want);
    arena_done(&arena);
    return answer.request;
}

static void test_it_makes_its_store_and_answers(void **state)
{
    struct bench *bench = *state;
    struct store *store = scratch_open(&bench->scratch);

    add_account(store, "joe@a.example");
    ask(bench, 1, "joe@a.example");
    ask(bench, 2, "nobody@a.example");
    assert_int_equal(take_answer(bench, RESOLVE_LOCAL), 1);
    assert_int_equal(take_answer(bench, RESOLVE_UNKNOWN), 2);
    store_close(store);
}

static void test_status_tells_what_it_knows(void **state)
{
    static char buffer[CHANNEL_PAYLOAD_MAX + 2];
    struct bench *bench = *state;
    struct channel_message message;
    struct msg_text status;
    struct buf out;

    buf_init(&out, 4096);
    msg_text_encode(&out, &(struct msg_text){.request = 3});
    assert_int_equal(channel_send(bench->parent, MSG_STATUS_ASK, buf_slice(&out), NULL, 0), 0);
    message = next_message(bench->parent, buffer);
    assert_int_equal(message.type, MSG_STATUS);
    assert_int_equal(msg_text_decode(message.payload, NULL, &status), 0);
    assert_true(slice_starts_with_nocase(status.text, SLICE("{\"store\":\"ok\",\"accounts\":0,")));
    buf_done(&out);
}

/* More answers than the channel has room for are not lost while the peer does not read. */
static void test_answers_wait_for_a_slow_peer(void **state)
{
    enum { MANY = 2000 };
    struct bench *bench = *state;

    for (uint64_t i = 0; i < MANY; i++)
        ask(bench, i, "nobody@a.example");
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(take_answer(bench, RESOLVE_UNKNOWN), i);
}

/* A conversation through the channel: a name that nobody has. */
static void test_a_login_is_answered(void **state)
{
    static char buffer[CHANNEL_PAYLOAD_MAX + 2];
    const struct msg_sasl start = {.conversation = 7,
                                   .step = SASL_START,
                                   .mechanism = MECHANISM_PLAIN,
                                   .has_response = true,
                                   .response = SLICE("\0nobody\0secret")};
    struct bench *bench = *state;
    struct channel_message message;
    struct msg_sasl_reply reply;
    struct buf out;

    buf_init(&out, 4096);
    msg_sasl_encode(&out, &start);
    assert_int_equal(channel_send(bench->receive, MSG_SASL, buf_slice(&out), NULL, 0), 0);
    buf_done(&out);
    message = next_message(bench->receive, buffer);
    assert_int_equal(message.type, MSG_SASL_REPLY);
    assert_int_equal(msg_sasl_reply_decode(message.payload, NULL, &reply), 0);
    assert_int_equal(reply.conversation, 7);
    assert_int_equal(reply.outcome, SASL_FAILED);
    assert_int_equal(reply.code, 535);
}

static void test_nonsense_is_survived(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(channel_send(bench->receive, MSG_RESOLVE, SLICE("short"), NULL, 0), 0);
    assert_int_equal(channel_send(bench->receive, MSG_USAGE, SLICE("not yours"), NULL, 0), 0);
    ask(bench, 9, "nobody@a.example");
    assert_int_equal(take_answer(bench, RESOLVE_UNKNOWN), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_makes_its_store_and_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_tells_what_it_knows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answers_wait_for_a_slow_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_login_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nonsense_is_survived, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
