#include "fixture.h"

#include "dns/dns_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct dns_fake_entry names[] = {
    {.name = "mx.example.net", .address = "127.0.0.1"},
    {.name = "two.example.net", .address = "::1"},
    {.name = "two.example.net", .address = "127.0.0.1"},
    {.name = "broken.example.net", .result = DNS_FAILED},
};

void fixture_text(struct fixture *fixture, struct slice text)
{
    if (fixture->attempt.fd >= 0)
        close(fixture->attempt.fd);
    fixture->attempt.fd = memfd_create("text", MFD_CLOEXEC);
    /* Something before and behind that must not go out. */
    assert_int_equal(write(fixture->attempt.fd, "before", 6), 6);
    assert_int_equal(write(fixture->attempt.fd, text.ptr, text.len), (ssize_t)text.len);
    assert_int_equal(write(fixture->attempt.fd, "behind", 6), 6);
    fixture->unit.text_offset = 6;
    fixture->unit.text_length = text.len;
}

void fixture_recipients(struct fixture *fixture, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        fixture->recipients[i] = (struct unit_recipient){
            .index = 100 + i, .address = arena_printf(&fixture->arena, "r%u@example.net", i)};
    }
    fixture->unit.n_recipients = n;
}

/* Routes with fixed hosts need no searches. */
static void no_wake(void *arg)
{
    (void)arg;
}

void fixture_init(struct fixture *fixture, const char *script)
{
    *fixture = (struct fixture){.attempt.fd = -1};
    fake_server_start(&fixture->server, script);
    fixture->hosts[0] = (struct config_endpoint){
        .kind = ENDPOINT_INET, .host = SLICE("mx.example.net"), .port = fixture->server.port};
    fixture->route = (struct config_route){.name = SLICE("next"),
                                           .protocol = PROTOCOL_SMTP,
                                           .hosts = {.list = fixture->hosts, .count = 1},
                                           .concurrency = 20,
                                           .address_concurrency = 20,
                                           .ipv6 = true,
                                           .recipients = 100,
                                           .messages = 1000,
                                           .idle_ms = 5000};
    fixture->config = (struct config){.references = 10,
                                      .hostname = SLICE("client.example"),
                                      .routes = &fixture->route,
                                      .n_routes = 1,
                                      .limits.message_size = 50 * 1024 * 1024};
    fixture->shared.dns = dns_fake_new(names, sizeof(names) / sizeof(names[0]));
    fixture->shared.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fixture->server.cancel_fd = fixture->shared.cancel_fd;
    fixture->shared.finder = finder_new(fixture->shared.dns, NULL, NULL, no_wake, NULL);
    dead_init(&fixture->shared.dead);
    slots_init(&fixture->shared.slots);
    idle_init(&fixture->shared.idle);
    attempt_scratch_init(&fixture->scratch);
    arena_init(&fixture->arena);
    fixture->unit = (struct msg_unit){.unit = 7,
                                      .way = WAY_ROUTE,
                                      .name = SLICE("next"),
                                      .reverse_path = SLICE("ann@example.org"),
                                      .recipients = fixture->recipients,
                                      .n_recipients = 1};
    fixture->recipients[0] =
        (struct unit_recipient){.index = 100, .address = SLICE("joe@example.net")};
    fixture_text(fixture, SLICE("Subject: hi\r\n\r\n.dot\r\nbye\r\n"));
    fixture->attempt.shared = &fixture->shared;
    fixture->attempt.scratch = &fixture->scratch;
    fixture->attempt.config = &fixture->config;
    fixture->attempt.unit = &fixture->unit;
    fixture->attempt.arena = &fixture->arena;
}

void fixture_run(struct fixture *fixture)
{
    attempt_run(&fixture->attempt, &fixture->done);
    assert_int_equal(fixture->done.unit, fixture->unit.unit);
    assert_int_equal(fixture->done.n_recipients, fixture->unit.n_recipients);
    for (uint32_t i = 0; i < fixture->done.n_recipients; i++) {
        assert_int_equal(fixture->done.recipients[i].index, fixture->recipients[i].index);
        assert_int_not_equal(fixture->done.recipients[i].kind, 0);
        assert_int_not_equal(fixture->done.recipients[i].status.len, 0);
        assert_int_not_equal(fixture->done.recipients[i].reply.len, 0);
    }
}

void fixture_finish(struct fixture *fixture)
{
    idle_drop_all(&fixture->shared.idle);
    fake_server_join(&fixture->server);
    assert_string_equal(fixture->server.mismatch, "");
}

void fixture_done(struct fixture *fixture)
{
    fake_server_done(&fixture->server);
    idle_done(&fixture->shared.idle);
    slots_done(&fixture->shared.slots);
    dead_done(&fixture->shared.dead);
    dns_free(fixture->shared.dns);
    finder_free(fixture->shared.finder);
    close(fixture->shared.cancel_fd);
    close(fixture->attempt.fd);
    attempt_scratch_done(&fixture->scratch);
    arena_done(&fixture->arena);
}
