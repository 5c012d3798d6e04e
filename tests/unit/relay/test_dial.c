/* Which server is asked: addresses that are dead, hosts in order, names, sockets of all kinds. */
#include "fixture.h"

#include "base/clock.h"
#include "relay/dial_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#define PIPELINE                                                                                   \
    "connect\n> 220 mx ESMTP\n< EHLO client.example\n> 250-mx\n> 250-8BITMIME\n> 250 PIPELINING\n"
#define ONE  "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\n> 250 ok\n"
#define QUIT "< QUIT\nclosed\n"

/* A port on which nobody listens. */
static uint16_t free_port(void)
{
    struct socket_address address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(socket_address_parse(SLICE("127.0.0.1"), 0, &address));
    assert_int_equal(bind(fd, &address.socket.any, address.len), 0);
    assert_int_equal(getsockname(fd, &address.socket.any, &address.len), 0);
    close(fd);
    return ntohs(address.socket.v4.sin_port);
}

static void expect(const struct fixture *fixture, enum done_kind kind, const char *status,
                   const char *words)
{
    const struct done_recipient *got = &fixture->done.recipients[0];

    assert_int_equal(got->kind, kind);
    assert_true(slice_eq(got->status, slice_from_cstr(status)));
    if (!slice_starts_with_nocase(got->reply, slice_from_cstr(words)))
        fail_msg("%.*s", SLICE_ARG(got->reply));
}

/* "two" has ::1 and 127.0.0.1; the server listens on IPv4 alone, and some hosts have no ::1. */
static void test_the_next_address_is_tried(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE QUIT);
    fixture.hosts[0].host = SLICE("two.example.net");
    fixture_run(&fixture);
    expect(&fixture, DONE_OK, "2.0.0", "250 ok");
    assert_true(
        slice_starts_with_nocase(fixture.done.remote, SLICE("two.example.net[127.0.0.1]:")));
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_the_next_host_is_tried(void **state)
{
    static const struct config_endpoint firsts[] = {
        {.kind = ENDPOINT_INET, .host = SLICE_INIT("127.0.0.1")},
        {.kind = ENDPOINT_INET, .host = SLICE_INIT("nobody.example.net")},
        {.kind = ENDPOINT_INET, .host = SLICE_INIT("broken.example.net")},
        {.kind = ENDPOINT_UNIX, .host = SLICE_INIT("/nonexistent/socket")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct fixture fixture;
        fixture_init(&fixture, PIPELINE ONE QUIT);
        fixture.hosts[1] = fixture.hosts[0];
        fixture.hosts[0] = firsts[i];
        fixture.hosts[0].port = free_port();
        fixture.route.hosts.count = 2;
        fixture_run(&fixture);
        expect(&fixture, DONE_OK, "2.0.0", "250 ok");
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

static void test_a_server_that_turns_us_away_is_not_the_last(void **state)
{
    static const char *const scripts[] = {
        "connect\n> 554 not you\n" QUIT PIPELINE ONE QUIT,
        "connect\n> 421 busy\nclosed\n" PIPELINE ONE QUIT,
        "connect\nclose\n" PIPELINE ONE QUIT,
        "connect\n> 220 mx\n< EHLO\n> 451 later\n" QUIT PIPELINE ONE QUIT,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct fixture fixture;
        fixture_init(&fixture, scripts[i]);
        fixture.hosts[1] = fixture.hosts[0];
        fixture.route.hosts.count = 2;
        fixture_run(&fixture);
        expect(&fixture, DONE_OK, "2.0.0", "250 ok");
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

static void test_when_nobody_answers_the_site_is_in_doubt(void **state)
{
    static const struct {
        struct slice host;
        const char *status, *words;
    } cases[] = {
        {SLICE_INIT("127.0.0.1"), "4.4.1", "cannot connect to 127.0.0.1[127.0.0.1]:"},
        {SLICE_INIT("nobody.example.net"), "4.4.3", "cannot look up nobody.example.net: no such"},
        {SLICE_INIT("broken.example.net"), "4.4.3", "cannot look up broken.example.net: name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture fixture;
        fixture_init(&fixture, "");
        fixture.hosts[0].host = cases[i].host;
        fixture.hosts[0].port = free_port();
        fixture_run(&fixture);
        expect(&fixture, DONE_NETWORK, cases[i].status, cases[i].words);
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

static void test_an_address_that_failed_comes_last(void **state)
{
    struct fixture fixture;
    struct socket_address first, second;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE QUIT PIPELINE ONE QUIT);
    fixture.hosts[1] = fixture.hosts[0];
    fixture.hosts[0].host = SLICE("127.0.0.1");
    fixture.hosts[0].port = free_port();
    fixture.route.hosts.count = 2;
    fixture.route.messages = 1;
    assert_true(socket_address_parse(SLICE("127.0.0.1"), fixture.hosts[0].port, &first));
    assert_true(socket_address_parse(SLICE("127.0.0.1"), fixture.hosts[1].port, &second));
    fixture_run(&fixture);
    assert_true(dead_has(&fixture.shared.dead, &first));
    assert_false(dead_has(&fixture.shared.dead, &second));
    /* Were the first one asked first, this would find out that it is not dead any more. */
    dead_add(&fixture.shared.dead, &second, SLICE("no"));
    fixture_run(&fixture);
    assert_false(dead_has(&fixture.shared.dead, &second));
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_the_dead_are_forgotten(void **state)
{
    struct dead dead;
    struct socket_address address, other;

    (void)state;
    dead_init(&dead);
    clock_fake(0, 1000);
    assert_true(socket_address_parse(SLICE("192.0.2.1"), 25, &address));
    assert_false(dead_has(&dead, &address));
    dead_add(&dead, &address, SLICE("no"));
    assert_true(dead_has(&dead, &address));
    clock_fake(0, 1000 + DEAD_REMEMBERED_MS);
    assert_false(dead_has(&dead, &address));
    dead_add(&dead, &address, SLICE("no"));
    dead_remove(&dead, &address);
    assert_false(dead_has(&dead, &address));
    dead_add(&dead, &address, SLICE("no"));
    for (uint16_t port = 1; port <= DEAD_MAX; port++) {
        clock_fake(0, 1000 + DEAD_REMEMBERED_MS + port);
        assert_true(socket_address_parse(SLICE("192.0.2.2"), port, &other));
        dead_add(&dead, &other, SLICE("no"));
    }
    assert_false(dead_has(&dead, &address));
    assert_true(dead_has(&dead, &other));
    clock_unfake();
    dead_done(&dead);
}

static void test_the_route_says_from_where_and_as_whom(void **state)
{
    struct slice source = SLICE("127.0.0.3");
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture,
                 "connect\n> 220 mx\n< EHLO other.example\n> 250-mx\n> 250 PIPELINING\n" ONE QUIT);
    fixture.route.helo = SLICE("other.example");
    fixture.route.sources = (struct config_ips){&source, 1};
    fixture_run(&fixture);
    expect(&fixture, DONE_OK, "2.0.0", "250 ok");
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_one_at_a_time_tries_the_dead(void **state)
{
    char words[DEAD_WORDS_MAX] = "";
    struct socket_address address;
    struct dead dead;

    (void)state;
    dead_init(&dead);
    assert_true(socket_address_parse(SLICE("192.0.2.1"), 25, &address));
    assert_true(dead_begin_probe(&dead, &address, words));
    assert_true(dead_begin_probe(&dead, &address, words)); /* it is not dead */
    dead_add(&dead, &address, SLICE("no answer"));
    assert_true(dead_begin_probe(&dead, &address, words));
    assert_false(dead_begin_probe(&dead, &address, words));
    assert_string_equal(words, "no answer");
    dead_end_probe(&dead, &address);
    assert_true(dead_begin_probe(&dead, &address, words));
    dead_add(&dead, &address, SLICE("still none"));
    assert_true(dead_begin_probe(&dead, &address, words));
    dead_remove(&dead, &address);
    assert_true(dead_begin_probe(&dead, &address, words));
    dead_done(&dead);
}

/* Its only address is dead, and another attempt is finding out whether it still is. */
static void test_what_another_one_tries_is_not_waited_for(void **state)
{
    char words[DEAD_WORDS_MAX];
    struct socket_address address;
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, "");
    assert_true(socket_address_parse(SLICE("127.0.0.1"), fixture.server.port, &address));
    dead_add(&fixture.shared.dead, &address, SLICE("it did not answer before"));
    assert_true(dead_begin_probe(&fixture.shared.dead, &address, words));
    fixture_run(&fixture);
    expect(&fixture, DONE_NETWORK, "4.4.1", "it did not answer before");
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_a_full_address_is_for_later(void **state)
{
    struct socket_address address;
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE QUIT);
    fixture.route.address_concurrency = 2;
    assert_true(socket_address_parse(SLICE("127.0.0.1"), fixture.server.port, &address));
    assert_true(slots_take(&fixture.shared.slots, &address, 2));
    assert_true(slots_take(&fixture.shared.slots, &address, 2));
    assert_false(slots_take(&fixture.shared.slots, &address, 2));
    fixture_run(&fixture);
    expect(&fixture, DONE_AGAIN, "4.4.5", "all connections to next that the route next allows");
    slots_give(&fixture.shared.slots, &address);
    fixture_run(&fixture);
    expect(&fixture, DONE_OK, "2.0.0", "250 ok");
    fixture_finish(&fixture);
    assert_true(slots_take(&fixture.shared.slots, &address, 2)); /* its place was given back */
    fixture_done(&fixture);
}

static void test_sources_that_are_off_are_not_used(void **state)
{
    struct slice sources[] = {SLICE("127.0.0.3"), SLICE("127.0.0.4")};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE QUIT PIPELINE ONE QUIT);
    fixture.route.sources = (struct config_ips){sources, 2};
    fixture.unit.sources_off = sources;
    fixture.unit.n_sources_off = 2;
    fixture_run(&fixture);
    expect(&fixture, DONE_AGAIN, "4.4.5", "all connections");
    fixture.unit.n_sources_off = 1;
    fixture_run(&fixture);
    expect(&fixture, DONE_OK, "2.0.0", "250 ok");
    assert_true(slice_eq(fixture.done.source, SLICE("127.0.0.4")));
    /* Nor is the connection that was kept, when its source is off by now. */
    fixture.unit.sources_off = &sources[1];
    idle_sweep(&fixture.shared.idle);
    assert_int_equal(idle_count(&fixture.shared.idle), 1);
    idle_drop_all(&fixture.shared.idle);
    fixture_run(&fixture);
    assert_true(slice_eq(fixture.done.source, SLICE("127.0.0.3")));
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_a_source_is_known_by_its_address(void **state)
{
    struct slice source = SLICE("2001:db8::1"), off = SLICE("2001:DB8:0:0::1");
    struct config_route route = {.sources = {&source, 1}};
    struct msg_unit unit = {.sources_off = &off, .n_sources_off = 1};
    struct socket_address to, from;

    (void)state;
    assert_true(socket_address_parse(SLICE("2001:db8::2"), 25, &to));
    assert_false(dial_host_source(&route, &unit, &to, &from));
    off = SLICE("2001:db8::3");
    assert_true(dial_host_source(&route, &unit, &to, &from));
}

static struct idle_wanted wanted_at(const struct fixture *fixture, const struct security *security,
                                    struct slice key, const struct socket_address *address)
{
    return (struct idle_wanted){.route = &fixture->route,
                                .unit = &fixture->unit,
                                .address = address,
                                .security = security,
                                .key = key};
}

/* What is kept after an attempt, and for whom it is good. */
static void test_idle_connections_are_shared_by_address(void **state)
{
    struct slice source = SLICE("127.0.0.1");
    struct security any = {.rule = SECURITY_OPPORTUNISTIC};
    struct security strict = {.rule = SECURITY_VERIFY, .tls_needed = true};
    struct socket_address address, other;
    struct idle_wanted wanted;
    struct fixture fixture;
    struct client client;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE QUIT);
    fixture_run(&fixture);
    assert_int_equal(idle_count(&fixture.shared.idle), 1);
    assert_true(socket_address_parse(SLICE("127.0.0.1"), fixture.server.port, &address));
    assert_true(socket_address_parse(SLICE("127.0.0.2"), fixture.server.port, &other));
    wanted = wanted_at(&fixture, &any, SLICE("any"), &other);
    assert_false(idle_take(&fixture.shared.idle, &wanted, &client));
    wanted = wanted_at(&fixture, &strict, SLICE("verify mx"), &address);
    assert_false(idle_take(&fixture.shared.idle, &wanted, &client));
    wanted = wanted_at(&fixture, &any, SLICE("any"), &address);
    fixture.unit.sources_off = &source;
    fixture.unit.n_sources_off = 1;
    assert_false(idle_take(&fixture.shared.idle, &wanted, &client));
    fixture.unit.n_sources_off = 0;
    fixture.route.helo = SLICE("somebody.else");
    assert_false(idle_take(&fixture.shared.idle, &wanted, &client));
    fixture.route.helo = SLICE_NULL;
    fixture.route.name = SLICE("another name");
    assert_true(idle_take(&fixture.shared.idle, &wanted, &client));
    client_quit(&client);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_address_is_tried),
        cmocka_unit_test(test_the_next_host_is_tried),
        cmocka_unit_test(test_a_server_that_turns_us_away_is_not_the_last),
        cmocka_unit_test(test_when_nobody_answers_the_site_is_in_doubt),
        cmocka_unit_test(test_an_address_that_failed_comes_last),
        cmocka_unit_test(test_the_dead_are_forgotten),
        cmocka_unit_test(test_the_route_says_from_where_and_as_whom),
        cmocka_unit_test(test_one_at_a_time_tries_the_dead),
        cmocka_unit_test(test_what_another_one_tries_is_not_waited_for),
        cmocka_unit_test(test_a_full_address_is_for_later),
        cmocka_unit_test(test_sources_that_are_off_are_not_used),
        cmocka_unit_test(test_a_source_is_known_by_its_address),
        cmocka_unit_test(test_idle_connections_are_shared_by_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
