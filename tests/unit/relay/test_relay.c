/*
 * The whole role behind its channels: the test is its parent and its queue, a scripted server is
 * the next one.
 */
#include "fixture.h"

#include "base/clock.h"
#include "config/config.h"
#include "relay/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#define PIPELINE                                                                                   \
    "connect\n> 220 mx ESMTP\n< EHLO client.example\n> 250-mx\n> 250-8BITMIME\n> 250 PIPELINING\n"
#define ONE  "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\n> 250 ok\n"
#define QUIT "< QUIT\nclosed\n"

enum { PATIENCE_MS = 20000 };

struct house {
    struct fake_server server;
    struct role_context role;
    struct config config;
    struct config_route route;
    struct config_endpoint host;
    pthread_t thread;
    int parent; /* our end */
    int queue;
    int text;
    char *buffer;
    struct arena arena;
    atomic_bool locked_in;
};

static int lock_in(struct role_context *role)
{
    struct house *house = (struct house *)((char *)role - offsetof(struct house, role));
    house->locked_in = true;
    return 0;
}

static void *run_role(void *arg)
{
    return (void *)(intptr_t)relay_main(arg);
}

static int send_peer(struct house *house)
{
    struct msg_peer peer = {.role = ROLE_QUEUE};
    struct buf out;
    int pair[2];

    assert_int_equal(channel_pair(pair), 0);
    buf_init(&out, 1024);
    msg_peer_encode(&out, &peer);
    assert_int_equal(channel_send(house->parent, MSG_PEER, buf_slice(&out), &pair[1], 1), 0);
    close(pair[1]);
    buf_done(&out);
    return pair[0];
}

static void house_open(struct house *house, const char *script)
{
    int pair[2];

    *house = (struct house){.buffer = xmalloc(CHANNEL_PAYLOAD_MAX + 2)};
    fake_server_start(&house->server, script);
    arena_init(&house->arena);
    house->host = (struct config_endpoint){
        .kind = ENDPOINT_INET, .host = SLICE("127.0.0.1"), .port = house->server.port};
    house->route = (struct config_route){.name = SLICE("next"),
                                         .protocol = PROTOCOL_SMTP,
                                         .hosts = {.list = &house->host, .count = 1},
                                         .concurrency = 1,
                                         .address_concurrency = 1,
                                         .ipv6 = true,
                                         .recipients = 100,
                                         .messages = 1000,
                                         .idle_ms = 200};
    house->config = (struct config){.references = 10,
                                    .hostname = SLICE("client.example"),
                                    .state = SLICE("/nonexistent"),
                                    .routes = &house->route,
                                    .n_routes = 1,
                                    .limits.message_size = 1024 * 1024};
    house->text = memfd_create("text", MFD_CLOEXEC);
    assert_int_equal(write(house->text, "hello\r\n", 7), 7);
    assert_int_equal(channel_pair(pair), 0);
    house->parent = pair[0];
    house->role = (struct role_context){.self = ROLE_RELAY,
                                        .loop = loop_new(),
                                        .config = &house->config,
                                        .parent = pair[1],
                                        .control = -1,
                                        .lock_in = lock_in};
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        house->role.peers[i] = -1;
    assert_int_equal(pthread_create(&house->thread, NULL, run_role, &house->role), 0);
    /* What a test measures begins when the role is ready. */
    for (unsigned i = 0; !house->locked_in && i < PATIENCE_MS; i++)
        poll(NULL, 0, 1);
    house->queue = send_peer(house);
    /* What it reads before, the system's CAs, may take longer than a test waits for anything. */
    while (!house->locked_in)
        poll(NULL, 0, 1);
}

static void send_unit(struct house *house, uint64_t number, struct slice route)
{
    struct unit_recipient recipient = {.index = 3, .address = SLICE("joe@example.net")};
    struct msg_unit unit = {.unit = number,
                            .message_id = number,
                            .way = WAY_ROUTE,
                            .name = route,
                            .domain = SLICE("example.net"),
                            .text_length = 7,
                            .recipients = &recipient,
                            .n_recipients = 1};
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_unit_encode(&out, &unit);
    assert_int_equal(
        channel_send_wait(house->queue, MSG_UNIT, buf_slice(&out), &house->text, 1, PATIENCE_MS),
        0);
    buf_done(&out);
}

/* The next `n` outcomes, all of this kind; the sum of their unit numbers. */
static uint64_t expect_done(struct house *house, unsigned n, enum done_kind kind)
{
    struct pollfd ready = {.fd = house->queue, .events = POLLIN};
    uint64_t sum = 0;

    while (n) {
        struct channel_message message;
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        assert_int_equal(
            channel_receive(house->queue, house->buffer, CHANNEL_PAYLOAD_MAX + 2, &message), 0);
        assert_int_equal(message.type, MSG_DONE);
        while (message.payload.len) {
            struct msg_done done;
            assert_int_equal(msg_done_decode(&message.payload, &house->arena, &done), 0);
            assert_int_equal(done.n_recipients, 1);
            assert_int_equal(done.recipients[0].index, 3);
            assert_int_equal(done.recipients[0].kind, kind);
            sum += done.unit;
            n--;
        }
    }
    return sum;
}

static void house_close(struct house *house)
{
    void *code;

    assert_int_equal(channel_send(house->parent, MSG_STOP, SLICE_NULL, NULL, 0), 0);
    pthread_join(house->thread, &code);
    assert_int_equal((intptr_t)code, EX_OK);
    assert_true(house->locked_in);
    assert_int_equal(house->config.references, 10);
    fake_server_join(&house->server);
    assert_string_equal(house->server.mismatch, "");
    fake_server_done(&house->server);
    loop_free(house->role.loop);
    close(house->role.parent);
    close(house->parent);
    close(house->queue);
    close(house->text);
    arena_done(&house->arena);
    free(house->buffer);
}

static void test_units_come_and_outcomes_go(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, PIPELINE ONE ONE ONE QUIT);
    for (uint64_t i = 1; i <= 3; i++)
        send_unit(&house, i, SLICE("next"));
    assert_int_equal(expect_done(&house, 3, DONE_OK), 6);
    house_close(&house);
    assert_int_equal(house.server.connections, 1);
}

static void test_an_idle_connection_is_closed_in_time(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, PIPELINE ONE QUIT);
    send_unit(&house, 1, SLICE("next"));
    expect_done(&house, 1, DONE_OK);
    /* The script goes on only when the role's timer has closed it. */
    fake_server_join(&house.server);
    house_close(&house);
}

static void test_a_route_that_is_gone_is_for_later(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, "");
    send_unit(&house, 1, SLICE("gone"));
    expect_done(&house, 1, DONE_LATER);
    house_close(&house);
}

static void test_garbage_for_a_unit_harms_nobody(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, PIPELINE ONE QUIT);
    assert_int_equal(channel_send(house.queue, MSG_UNIT, SLICE("garbage"), &house.text, 1), 0);
    assert_int_equal(channel_send(house.queue, MSG_UNIT, SLICE_NULL, NULL, 0), 0);
    send_unit(&house, 1, SLICE("next"));
    expect_done(&house, 1, DONE_OK);
    house_close(&house);
}

/* The old queue's unit is in the middle of its recipients; the new queue sends it again. */
static void test_a_new_queue_gets_only_its_own_outcomes(void **state)
{
    struct house house;
    int old;

    (void)state;
    house_open(&house, PIPELINE "< MAIL\n< RCPT\n< DATA\nwait 3000\n> 250 ok\n> 250 ok\n> 354 go\n"
                                "closed\n" PIPELINE ONE QUIT);
    send_unit(&house, 1, SLICE("next"));
    send_unit(&house, 2, SLICE("next")); /* waits: the route takes one connection at a time */
    poll(NULL, 0, 1000);
    old = house.queue;
    house.queue = send_peer(&house);
    close(old);
    send_unit(&house, 10, SLICE("next"));
    assert_int_equal(expect_done(&house, 1, DONE_OK), 10);
    house_close(&house);
}

static void test_stopping_waits_for_what_is_nearly_done(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, PIPELINE "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\n"
                                "wait 3000\n> 250 ok\n" QUIT);
    send_unit(&house, 1, SLICE("next"));
    poll(NULL, 0, 1000);
    assert_int_equal(channel_send(house.parent, MSG_STOP, SLICE_NULL, NULL, 0), 0);
    expect_done(&house, 1, DONE_OK);
    house_close(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_come_and_outcomes_go),
        cmocka_unit_test(test_an_idle_connection_is_closed_in_time),
        cmocka_unit_test(test_a_route_that_is_gone_is_for_later),
        cmocka_unit_test(test_garbage_for_a_unit_harms_nobody),
        cmocka_unit_test(test_a_new_queue_gets_only_its_own_outcomes),
        cmocka_unit_test(test_stopping_waits_for_what_is_nearly_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
