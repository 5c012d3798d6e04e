/*
 * The whole role behind its channels: this test is parent, queue, auth and program to it.
 */
#include "local/local.h"

#include "base/clock.h"
#include "config/config.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT SLICE("Subject: hello\r\n\r\nOne line.\r\n")

struct fixture {
    struct store store;
    struct role_context role;
    pthread_t thread;
    int parent;            /* our ends */
    int peers[ROLE_COUNT]; /* our ends */
    char *buffer;
    struct arena arena;
    int result;
};

static int lock_in(struct role_context *role)
{
    (void)role;
    return 0;
}

static void *run_role(void *arg)
{
    struct fixture *fixture = arg;

    fixture->result = local_main(&fixture->role);
    return NULL;
}

static struct config *make_config(const struct store *store)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;
    struct buf text;

    buf_init(&text, 10000);
    buf_printf(&text,
               "hostname mx.example.org\nstate %s\n"
               "domain example.org { deliver maildir }\n"
               "domain full.example { deliver maildir; when_full reject }\n"
               "program archive { command /bin/true; user nobody }\n",
               store->state);
    config_bundle_from_text(SLICE("test.conf"), buf_slice(&text), &bundle);
    problem_list_init(&problems);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    buf_done(&text);
    return config;
}

/* (Re)connects a peer. */
static void connect_peer(struct fixture *fixture, enum role peer)
{
    const struct msg_peer message = {.role = peer};
    struct buf out;
    int pair[2];

    if (fixture->peers[peer] >= 0)
        close(fixture->peers[peer]);
    assert_int_equal(channel_pair(pair), 0);
    buf_init(&out, 100);
    msg_peer_encode(&out, &message);
    assert_int_equal(channel_send(fixture->parent, MSG_PEER, buf_slice(&out), &pair[1], 1), 0);
    buf_done(&out);
    close(pair[1]);
    fixture->peers[peer] = pair[0];
}

static int setup(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    int pair[2];

    store_init(&fixture->store);
    assert_int_equal(channel_pair(pair), 0);
    fixture->parent = pair[0];
    fixture->role = (struct role_context){.self = ROLE_LOCAL,
                                          .loop = loop_new(),
                                          .config = make_config(&fixture->store),
                                          .parent = pair[1],
                                          .control = -1,
                                          .lock_in = lock_in};
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        fixture->role.peers[i] = fixture->peers[i] = -1;
    fixture->buffer = xmalloc(CHANNEL_PAYLOAD_MAX + 2);
    arena_init(&fixture->arena);
    assert_int_equal(pthread_create(&fixture->thread, NULL, run_role, fixture), 0);
    connect_peer(fixture, ROLE_QUEUE);
    connect_peer(fixture, ROLE_AUTH);
    connect_peer(fixture, ROLE_PROGRAM);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(channel_send(fixture->parent, MSG_STOP, SLICE_NULL, NULL, 0), 0);
    pthread_join(fixture->thread, NULL);
    assert_int_equal(fixture->result, 0);
    close(fixture->parent);
    close(fixture->role.parent);
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (fixture->peers[i] >= 0)
            close(fixture->peers[i]);
    }
    loop_free(fixture->role.loop);
    config_unref(fixture->role.config);
    arena_done(&fixture->arena);
    free(fixture->buffer);
    store_done(&fixture->store);
    free(fixture);
    return 0;
}

/* The next message from there; false when none comes in that time. */
static bool receive(struct fixture *fixture, enum role peer, struct channel_message *message,
                    int timeout_ms)
{
    int fd = fixture->peers[peer];
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    if (poll(&ready, 1, timeout_ms) <= 0)
        return false;
    return channel_receive(fd, fixture->buffer, CHANNEL_PAYLOAD_MAX + 2, message) == 0;
}

static void send_unit(struct fixture *fixture, const struct letter *letter)
{
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_unit_encode(&out, &letter->unit);
    assert_int_equal(channel_send_wait(fixture->peers[ROLE_QUEUE], MSG_UNIT, buf_slice(&out),
                                       &letter->job.fd, 1, 5000),
                     0);
    buf_done(&out);
}

/* Waits for the outcome of one unit of one recipient; the reply is good until the next call. */
static struct done_recipient await_done(struct fixture *fixture, uint64_t unit)
{
    struct channel_message message;
    struct msg_done done;

    arena_reset(&fixture->arena);
    assert_true(receive(fixture, ROLE_QUEUE, &message, 10000));
    assert_int_equal(message.type, MSG_DONE);
    message.payload = arena_dup(&fixture->arena, message.payload);
    assert_int_equal(msg_done_decode(&message.payload, &fixture->arena, &done), 0);
    assert_int_equal(message.payload.len, 0);
    assert_true(done.unit == unit);
    assert_int_equal(done.n_recipients, 1);
    return done.recipients[0];
}

static void test_a_unit_is_delivered_and_told(void **state)
{
    struct fixture *fixture = *state;
    struct letter letter;
    struct done_recipient done;

    letter_init(&letter, 7, SLICE("joe@example.org"), TEXT);
    letter.unit.unit = 42;
    send_unit(fixture, &letter);
    done = await_done(fixture, 42);
    assert_int_equal(done.kind, DONE_OK);
    assert_int_equal(done.index, 3);
    assert_int_equal(store_count(&fixture->store, "mail/example.org/joe/new"), 1);
    letter_done(&letter);
}

static void test_many_units_are_told_together(void **state)
{
    enum { N = 300 };
    struct fixture *fixture = *state;
    struct letter letter;
    unsigned n_done = 0, n_messages = 0;
    bool seen[N] = {false};

    letter_init(&letter, 0, SLICE("joe@example.org"), TEXT);
    for (unsigned i = 0; i < N; i++) {
        letter.unit.unit = i;
        letter.unit.message_id = 1000 + i;
        send_unit(fixture, &letter);
    }
    while (n_done < N) {
        struct channel_message message;
        struct msg_done done;
        assert_true(receive(fixture, ROLE_QUEUE, &message, 10000));
        n_messages++;
        arena_reset(&fixture->arena);
        while (message.payload.len) {
            assert_int_equal(msg_done_decode(&message.payload, &fixture->arena, &done), 0);
            assert_true(done.unit < N && !seen[done.unit]);
            assert_int_equal(done.recipients[0].kind, DONE_OK);
            seen[done.unit] = true;
            n_done++;
        }
    }
    assert_in_range(n_messages, 1, N / 2);
    assert_int_equal(store_count(&fixture->store, "mail/example.org/joe/new"), N);
    letter_done(&letter);
}

static void test_a_full_mailbox_is_told_to_auth(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    struct msg_usage usage;
    struct done_recipient done;
    struct letter letter;

    letter_init(&letter, 7, SLICE("joe@full.example"), TEXT);
    letter.unit.domain = SLICE("full.example");
    letter.recipient.quota_bytes = 150;
    send_unit(fixture, &letter);
    assert_int_equal(await_done(fixture, 1).kind, DONE_OK);
    assert_true(receive(fixture, ROLE_AUTH, &message, 10000));
    assert_int_equal(message.type, MSG_USAGE);
    assert_int_equal(msg_usage_decode(message.payload, NULL, &usage), 0);
    assert_true(slice_eq(usage.account, SLICE("joe@full.example")));
    assert_int_equal(usage.messages, 1);
    assert_in_range(usage.bytes, TEXT.len, 150);
    assert_false(usage.full);
    letter.unit.message_id = 8;
    send_unit(fixture, &letter);
    done = await_done(fixture, 1);
    assert_int_equal(done.kind, DONE_NEVER);
    assert_true(slice_eq(done.status, SLICE("5.2.2")));
    assert_true(receive(fixture, ROLE_AUTH, &message, 10000));
    assert_int_equal(msg_usage_decode(message.payload, NULL, &usage), 0);
    assert_true(usage.full);
    letter_done(&letter);
}

/* The file was moved by a mail reader, then queue was killed and sends the message again. */
static void test_a_repeat_after_queue_was_away_is_recognised(void **state)
{
    struct fixture *fixture = *state;
    struct letter letter;
    char name[256], from[512], to[600];

    letter_init(&letter, 7, SLICE("joe@example.org"), TEXT);
    letter.unit.received_ms = clock_wall_ms();
    send_unit(fixture, &letter);
    assert_int_equal(await_done(fixture, 1).kind, DONE_OK);
    store_only_file(&fixture->store, "mail/example.org/joe/new", name, sizeof(name));
    snprintf(from, sizeof(from), "%s/mail/example.org/joe/new/%s", fixture->store.state, name);
    snprintf(to, sizeof(to), "%s/mail/example.org/joe/cur/%s:2,S", fixture->store.state, name);
    assert_int_equal(rename(from, to), 0);
    connect_peer(fixture, ROLE_QUEUE);
    send_unit(fixture, &letter);
    assert_int_equal(await_done(fixture, 1).kind, DONE_OK);
    assert_int_equal(store_count(&fixture->store, "mail/example.org/joe/new"), 0);
    letter_done(&letter);
}

static void test_a_program_is_asked_for_and_its_end_told(void **state)
{
    struct fixture *fixture = *state;
    struct msg_ran ran = {.started = true, .status = 67, .text = SLICE("who is that")};
    struct channel_message message;
    struct done_recipient done;
    struct letter letter;
    struct msg_run run;
    struct buf out;

    letter_init(&letter, 7, SLICE("list@example.org"), TEXT);
    letter.unit.way = WAY_PROGRAM;
    letter.unit.name = SLICE("archive");
    send_unit(fixture, &letter);
    assert_true(receive(fixture, ROLE_PROGRAM, &message, 10000));
    assert_int_equal(message.type, MSG_RUN);
    assert_int_equal(message.n_fds, 1);
    assert_int_equal(msg_run_decode(message.payload, NULL, &run), 0);
    channel_message_close_fds(&message);
    assert_true(slice_eq(run.name, SLICE("archive")));
    assert_true(slice_eq(run.recipient, SLICE("list@example.org")));
    ran.request = run.request;
    buf_init(&out, 1000);
    msg_ran_encode(&out, &ran);
    assert_int_equal(channel_send(fixture->peers[ROLE_PROGRAM], MSG_RAN, buf_slice(&out), NULL, 0),
                     0);
    buf_done(&out);
    done = await_done(fixture, 1);
    assert_int_equal(done.kind, DONE_NEVER);
    assert_true(slice_eq(done.status, SLICE("5.1.1")));
    letter_done(&letter);
}

static void test_a_program_role_that_dies_means_later(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    struct letter letter;

    letter_init(&letter, 7, SLICE("list@example.org"), TEXT);
    letter.unit.way = WAY_PROGRAM;
    letter.unit.name = SLICE("archive");
    send_unit(fixture, &letter);
    assert_true(receive(fixture, ROLE_PROGRAM, &message, 10000));
    channel_message_close_fds(&message);
    close(fixture->peers[ROLE_PROGRAM]);
    fixture->peers[ROLE_PROGRAM] = -1;
    assert_int_equal(await_done(fixture, 1).kind, DONE_LATER);
    /* Without the role at all, too. */
    send_unit(fixture, &letter);
    assert_int_equal(await_done(fixture, 1).kind, DONE_LATER);
    letter_done(&letter);
}

/* An outcome of the old queue's unit must never reach the new queue, whose unit 1 is another. */
static void test_the_new_queue_hears_nothing_of_the_old_ones_units(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    struct letter letter;
    struct msg_ran ran = {.started = true};
    struct msg_run run;
    struct buf out;

    letter_init(&letter, 7, SLICE("list@example.org"), TEXT);
    letter.unit.way = WAY_PROGRAM;
    letter.unit.name = SLICE("archive");
    send_unit(fixture, &letter);
    assert_true(receive(fixture, ROLE_PROGRAM, &message, 10000));
    assert_int_equal(msg_run_decode(message.payload, NULL, &run), 0);
    channel_message_close_fds(&message);
    connect_peer(fixture, ROLE_QUEUE);
    letter.unit.way = WAY_MAILDIR;
    letter.unit.unit = 2;
    send_unit(fixture, &letter);
    assert_int_equal(await_done(fixture, 2).kind, DONE_OK);
    ran.request = run.request;
    buf_init(&out, 1000);
    msg_ran_encode(&out, &ran);
    assert_int_equal(channel_send(fixture->peers[ROLE_PROGRAM], MSG_RAN, buf_slice(&out), NULL, 0),
                     0);
    buf_done(&out);
    assert_false(receive(fixture, ROLE_QUEUE, &message, 300));
    letter_done(&letter);
}

static void test_nonsense_from_queue_is_survived(void **state)
{
    struct fixture *fixture = *state;
    struct letter letter;

    assert_int_equal(channel_send(fixture->peers[ROLE_QUEUE], MSG_UNIT, SLICE("nonsense"), NULL, 0),
                     0);
    letter_init(&letter, 7, SLICE("joe@example.org"), TEXT);
    letter.unit.way = WAY_ROUTE;
    send_unit(fixture, &letter);
    letter.unit.way = WAY_MAILDIR;
    letter.unit.unit = 5;
    send_unit(fixture, &letter);
    assert_int_equal(await_done(fixture, 5).kind, DONE_OK);
    letter_done(&letter);
}

int main(void)
{
#define WITH_ROLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_ROLE(test_a_unit_is_delivered_and_told),
        WITH_ROLE(test_many_units_are_told_together),
        WITH_ROLE(test_a_full_mailbox_is_told_to_auth),
        WITH_ROLE(test_a_repeat_after_queue_was_away_is_recognised),
        WITH_ROLE(test_a_program_is_asked_for_and_its_end_told),
        WITH_ROLE(test_a_program_role_that_dies_means_later),
        WITH_ROLE(test_the_new_queue_hears_nothing_of_the_old_ones_units),
        WITH_ROLE(test_nonsense_from_queue_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
