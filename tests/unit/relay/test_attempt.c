/* Attempts against scripted servers: connections kept and lost, limits, texts as they arrive. */
#include "fixture.h"

#include "base/clock.h"
#include "relay/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#define HELLO    "connect\n> 220 mx ESMTP\n< EHLO client.example\n"
#define PLAIN    HELLO "> 250 mx\n"
#define PIPELINE HELLO "> 250-mx\n> 250 PIPELINING\n"
#define CHUNKING HELLO "> 250-mx\n> 250-PIPELINING\n> 250-8BITMIME\n> 250 CHUNKING\n"
#define ONE      "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\n> 250 ok\n"
#define QUIT     "< QUIT\nclosed\n"

static void test_a_connection_carries_one_unit_after_another(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE ONE ONE QUIT);
    for (uint32_t i = 0; i < 3; i++) {
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
        assert_int_equal(fixture.done.reused, i);
        assert_true(
            slice_starts_with_nocase(fixture.done.remote, SLICE("mx.example.net[127.0.0.1]:")));
        assert_int_equal(idle_count(&fixture.shared.idle), 1);
    }
    fixture_finish(&fixture);
    assert_int_equal(fixture.server.text.len, 3 * fixture.unit.text_length);
    fixture_done(&fixture);
}

static void test_a_connection_ends_at_its_limit_of_messages(void **state)
{
    static const char *const scripts[] = {
        PIPELINE ONE QUIT PIPELINE ONE QUIT,
        HELLO "> 250-mx\n> 250-LIMITS MAILMAX=1\n> 250 PIPELINING\n" ONE QUIT PIPELINE ONE QUIT,
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        fixture_init(&fixture, scripts[i]);
        fixture.route.messages = i == 0 ? 1 : 1000;
        fixture_run(&fixture);
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
        assert_int_equal(fixture.done.reused, 0);
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

static void test_a_refused_transaction_is_reset_before_the_next(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 550 no\n> 554 none\n"
                                    "< RSET\n< MAIL\n< RCPT\n< DATA\n> 250 reset\n> 250 ok\n"
                                    "> 250 ok\n> 354 go\ntext\n> 250 ok\n" QUIT);
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_NEVER);
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

/* The ways in which a connection can have died while nobody used it. */
static void test_a_dead_idle_connection_costs_no_message(void **state)
{
    static const char *const scripts[] = {
        PIPELINE ONE "close\n" PIPELINE ONE QUIT,
        PIPELINE ONE "reset\n" PIPELINE ONE QUIT,
        PIPELINE ONE "> 421 idle too long\nclosed\n" PIPELINE ONE QUIT,
        /* It dies only when MAIL is there. */
        PIPELINE ONE "< MAIL\nreset\n" PIPELINE ONE QUIT,
        PIPELINE ONE "< MAIL\n> 421 idle too long\nclosed\n" PIPELINE ONE QUIT,
        CHUNKING "< MAIL\n< RCPT\nchunk\n> 250 ok\n> 250 ok\n> 250 ok\n< MAIL\nreset\n" CHUNKING
                 "< MAIL\n< RCPT\nchunk\n> 250 ok\n> 250 ok\n> 250 ok\n" QUIT,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct fixture fixture;
        fixture_init(&fixture, scripts[i]);
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
        usleep(50000);
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
        assert_int_equal(fixture.done.reused, 0);
        fixture_finish(&fixture);
        assert_int_equal(fixture.server.connections, 2);
        fixture_done(&fixture);
    }
}

/* What dies twice, or after MAIL was answered, is not tried again at once. */
static void test_a_lost_connection_is_no_reason_to_hurry(void **state)
{
    static const char *const scripts[] = {
        PIPELINE ONE "< MAIL\nreset\n" PIPELINE "< MAIL\nreset\n",
        PIPELINE ONE "< MAIL\n< RCPT\n< DATA\n> 250 ok\nclose\n",
        PIPELINE ONE "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\nclose\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct fixture fixture;
        fixture_init(&fixture, scripts[i]);
        fixture_run(&fixture);
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_LATER);
        assert_true(slice_eq(fixture.done.recipients[0].status, SLICE("4.4.2")));
        assert_int_equal(idle_count(&fixture.shared.idle), 0);
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

static void check_all(const struct fixture *fixture, enum done_kind kind)
{
    for (uint32_t i = 0; i < fixture->done.n_recipients; i++)
        assert_int_equal(fixture->done.recipients[i].kind, kind);
}

static void test_too_many_recipients_go_in_further_transactions(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE
                 "< MAIL\n< RCPT TO:<r0\n< RCPT TO:<r1\n< RCPT TO:<r2\n< RCPT TO:<r3\n< DATA\n"
                 "> 250 ok\n> 250 ok\n> 250 ok\n> 452 4.5.3 enough\n> 452 too many\n> 354 go\n"
                 "text\n> 250 ok\n"
                 "< MAIL\n< RCPT TO:<r2\n< RCPT TO:<r3\n< DATA\n"
                 "> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\ntext\n> 250 ok\n" QUIT);
    fixture_recipients(&fixture, 4);
    fixture_run(&fixture);
    check_all(&fixture, DONE_OK);
    assert_int_equal(fixture.done.recipients_limit, 2);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_a_server_that_wants_nobody_gets_no_second_try(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 452 4.5.3 no\n"
                                    "> 452 4.5.3 no\n> 554 none\n" QUIT);
    fixture_recipients(&fixture, 2);
    fixture_run(&fixture);
    check_all(&fixture, DONE_LATER);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_full_mailboxes_are_not_too_many_recipients(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n"
                                    "> 452 4.2.2 full\n> 354 go\ntext\n> 250 ok\n" QUIT);
    fixture_recipients(&fixture, 2);
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
    assert_int_equal(fixture.done.recipients[1].kind, DONE_LATER);
    assert_int_equal(fixture.done.recipients_limit, 0);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_the_limits_that_a_server_offers_are_kept(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, HELLO "> 250-mx\n> 250-PIPELINING\n> 250 LIMITS RCPTMAX=2\n"
                                 "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 250 ok\n"
                                 "> 354 go\ntext\n> 250 ok\n" ONE QUIT);
    fixture_recipients(&fixture, 3);
    fixture_run(&fixture);
    check_all(&fixture, DONE_OK);
    assert_int_equal(fixture.done.recipients_limit, 2);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_domains_are_kept_apart_where_the_server_asks_for_it(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, HELLO "> 250-mx\n> 250-PIPELINING\n> 250 LIMITS RCPTDOMAINMAX=1\n"
                                 "< MAIL\n< RCPT TO:<r0@example.net>\n< RCPT TO:<r2@example.net>\n"
                                 "< DATA\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\ntext\n> 250 ok\n"
                                 "< MAIL\n< RCPT TO:<x@example.com>\n< DATA\n> 250 ok\n> 250 ok\n"
                                 "> 354 go\ntext\n> 250 ok\n" QUIT);
    fixture_recipients(&fixture, 3);
    fixture.recipients[1].address = SLICE("x@example.com");
    fixture_run(&fixture);
    check_all(&fixture, DONE_OK);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_forwarded_mail_says_from_where(void **state)
{
    struct fixture fixture;
    static const char want[] =
        "Delivered-To: list@example.org\r\nSubject: hi\r\n\r\n.dot\r\nbye\r\n"
        "Subject: hi\r\n\r\n.dot\r\nbye\r\n";

    (void)state;
    fixture_init(&fixture, PIPELINE "< MAIL FROM:<ann@example.org>\n< RCPT TO:<r0\n< RCPT TO:<r2\n"
                                    "< DATA\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\ntext\n"
                                    "> 250 ok\n< MAIL\n< RCPT TO:<r1\n< DATA\n> 250 ok\n> 250 ok\n"
                                    "> 354 go\ntext\n> 250 ok\n" QUIT);
    fixture_recipients(&fixture, 3);
    fixture.recipients[0].via = fixture.recipients[2].via = SLICE("list@example.org");
    fixture_run(&fixture);
    check_all(&fixture, DONE_OK);
    fixture_finish(&fixture);
    assert_true(slice_eq(buf_slice(&fixture.server.text), slice_from(want, sizeof(want) - 1)));
    fixture_done(&fixture);
}

static void test_many_recipients_are_pipelined_in_windows(void **state)
{
    struct fixture fixture;
    struct buf script;

    (void)state;
    buf_init(&script, 64 * 1024);
    buf_add_cstr(&script, PIPELINE "< MAIL\n");
    for (unsigned i = 0; i < 99; i++)
        buf_add_cstr(&script, "< RCPT\n");
    for (unsigned i = 0; i < 100; i++)
        buf_add_cstr(&script, "> 250 ok\n");
    for (unsigned i = 99; i < 199; i++)
        buf_add_cstr(&script, "< RCPT\n");
    for (unsigned i = 99; i < 199; i++)
        buf_add_cstr(&script, "> 250 ok\n");
    for (unsigned i = 199; i < 250; i++)
        buf_add_cstr(&script, "< RCPT\n");
    buf_add_cstr(&script, "< DATA\n");
    for (unsigned i = 199; i < 250; i++)
        buf_add_cstr(&script, "> 250 ok\n");
    buf_add_cstr(&script, "> 354 go\ntext\n> 250 ok\n" QUIT);
    buf_add_char(&script, '\0');
    fixture_init(&fixture, script.ptr);
    fixture.route.recipients = 300;
    fixture_recipients(&fixture, 250);
    fixture_run(&fixture);
    check_all(&fixture, DONE_OK);
    fixture_finish(&fixture);
    fixture_done(&fixture);
    buf_done(&script);
}

/* Lines of 80 bytes that begin with a dot, the last one as long as it comes. */
static void make_text(struct buf *text, size_t size)
{
    buf_init(text, size + 1);
    for (size_t i = 0; i < size; i++)
        buf_add_char(text, i % 80 == 0 ? '.' : i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : 'a');
    if (size >= 2)
        memcpy(text->ptr + size - 2, "\r\n", 2);
}

static void make_bdat_script(struct buf *script, size_t size)
{
    buf_init(script, 64 * 1024);
    buf_add_cstr(script, CHUNKING "< MAIL\n< RCPT\n");
    if (size > 32 * 1024) {
        buf_add_cstr(script, "> 250 ok\n> 250 ok\n");
        for (size_t at = 0; at < size; at += TEXT_CHUNK)
            buf_add_cstr(script, "chunk\n> 250 ok\n");
    } else {
        buf_add_cstr(script, "chunk\n> 250 ok\n> 250 ok\n> 250 ok\n");
    }
    buf_add_cstr(script, QUIT);
    buf_add_char(script, '\0');
}

static void send_and_compare(const char *script, struct slice text)
{
    struct fixture fixture;

    fixture_init(&fixture, script);
    fixture_text(&fixture, text);
    fixture_run(&fixture);
    check_all(&fixture, DONE_OK);
    fixture_finish(&fixture);
    assert_true(slice_eq(buf_slice(&fixture.server.text), text));
    fixture_done(&fixture);
}

/* Texts of all sizes around the borders come out byte for byte, by DATA and by BDAT. */
static void test_texts_arrive_whole(void **state)
{
    static const size_t sizes[] = {
        0,      2, 100, 32 * 1024, 32 * 1024 + 1, TEXT_CHUNK, TEXT_CHUNK + 1, 3 * TEXT_CHUNK + 17,
        5000000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf text, script;
        make_text(&text, sizes[i]);
        make_bdat_script(&script, sizes[i]);
        send_and_compare(PIPELINE ONE QUIT, buf_slice(&text));
        send_and_compare(script.ptr, buf_slice(&text));
        buf_done(&text);
        buf_done(&script);
    }
}

static void test_bare_newlines_never_go_out(void **state)
{
    static const char *const scripts[] = {
        PIPELINE ONE QUIT,
        CHUNKING "< MAIL\n< RCPT\nchunk\n> 250 ok\n> 250 ok\n> 250 ok\n" QUIT,
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        fixture_init(&fixture, scripts[i]);
        fixture_text(&fixture, SLICE("Subject: hi\n\nx\r.\r\nMAIL FROM:<a@b>\n.\r\nend"));
        fixture_run(&fixture);
        check_all(&fixture, DONE_OK);
        fixture_finish(&fixture);
        assert_true(
            slice_eq(buf_slice(&fixture.server.text),
                     SLICE("Subject: hi\r\n\r\nx\r\n.\r\nMAIL FROM:<a@b>\r\n.\r\nend\r\n")));
        fixture_done(&fixture);
    }
}

static void test_a_refused_chunk_ends_the_text(void **state)
{
    struct fixture fixture;
    struct buf text;

    (void)state;
    buf_init(&text, 1024 * 1024);
    while (text.len < 4 * TEXT_CHUNK)
        buf_add_cstr(&text, "0123456789012345678901234567890\r\n");
    fixture_init(&fixture, HELLO "> 250-mx\n> 250 CHUNKING\n< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n"
                                 "chunk\n> 552 5.3.4 too big\nclosed\n");
    fixture_text(&fixture, buf_slice(&text));
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_NEVER);
    assert_true(slice_eq(fixture.done.recipients[0].status, SLICE("5.3.4")));
    assert_int_equal(idle_count(&fixture.shared.idle), 0);
    fixture_finish(&fixture);
    fixture_done(&fixture);
    buf_done(&text);
}

static void test_a_text_that_cannot_be_read_is_not_sent_cut_off(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, HELLO "> 250-mx\n> 250-8BITMIME\n> 250 PIPELINING\n< MAIL\n< RCPT\n"
                                 "< DATA\n> 250 ok\n> 250 ok\n> 354 go\nclosed\n");
    fixture.unit.text_length = 100 * 1000;
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_LATER);
    assert_true(slice_eq(fixture.done.recipients[0].status, SLICE("4.3.0")));
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_what_needs_no_server_asks_none(void **state)
{
    static const struct {
        const char *status;
        enum done_kind kind;
    } want[] = {{"4.3.5", DONE_LATER}, {"5.1.3", DONE_NEVER}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture fixture;
        fixture_init(&fixture, "");
        if (i == 0)
            fixture.unit.name = SLICE("gone");
        else
            fixture.recipients[0].address = SLICE("a@b>\r\nDATA\r\n");
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, want[i].kind);
        assert_true(slice_eq(fixture.done.recipients[0].status, slice_from_cstr(want[i].status)));
        assert_int_equal(fixture.done.remote.len, 0);
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

/* A server that cannot keep REQUIRETLS gets nothing, but for a bounce (RFC 8689 section 5). */
static void test_requiretls_is_kept(void **state)
{
    (void)state;
    for (unsigned bounce = 0; bounce < 2; bounce++) {
        struct fixture fixture;
        fixture_init(&fixture, bounce ? PIPELINE ONE QUIT : PIPELINE QUIT);
        fixture.shared.tls_clients = tls_clients_new(NULL);
        assert_int_equal(tls_clients_read_system(fixture.shared.tls_clients), 0);
        fixture.unit.requiretls = true;
        if (bounce)
            fixture.unit.reverse_path = SLICE_NULL;
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, bounce ? DONE_OK : DONE_NEVER);
        assert_true(
            slice_eq(fixture.done.recipients[0].status, bounce ? SLICE("2.0.0") : SLICE("5.7.10")));
        tls_clients_free(fixture.shared.tls_clients);
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

/* A connection that the site's other mail has left open has not shown what REQUIRETLS asks for. */
static void test_requiretls_takes_no_connection_of_other_mail(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE PIPELINE QUIT);
    fixture.shared.tls_clients = tls_clients_new(NULL);
    assert_int_equal(tls_clients_read_system(fixture.shared.tls_clients), 0);
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
    assert_int_equal(idle_count(&fixture.shared.idle), 1);
    fixture.unit.requiretls = true;
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_NEVER);
    assert_true(slice_eq(fixture.done.recipients[0].status, SLICE("5.7.10")));
    tls_clients_free(fixture.shared.tls_clients);
    fixture_finish(&fixture);
    assert_int_equal(fixture.server.connections, 2);
    fixture_done(&fixture);
}

/* Two routes may reach sites of the same name at different ports. */
static void test_ports_keep_connections_apart(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, PIPELINE ONE PIPELINE ONE QUIT);
    fixture_run(&fixture);
    fixture.route.port = 587;
    fixture_run(&fixture);
    assert_int_equal(fixture.done.reused, 0);
    fixture_finish(&fixture);
    assert_int_equal(fixture.server.connections, 2);
    fixture_done(&fixture);
}

static void test_every_wait_can_be_cancelled(void **state)
{
    static const char *const scripts[] = {
        "connect\ncancel\nclosed\n",
        PIPELINE "< MAIL\ncancel\nclosed\n",
        PIPELINE "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\ncancel\nclosed\n",
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;
        uint64_t before = clock_mono_ms();
        fixture_init(&fixture, scripts[i]);
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_LATER);
        assert_true(clock_mono_ms() - before < 15000);
        fixture_finish(&fixture);
        fixture_done(&fixture);
    }
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void test_an_unwanted_text_stays_here(void **state)
{
    static const char *const scripts[] = {
        PIPELINE "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\nclosed\n",
        CHUNKING "closed\n",
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        fixture_init(&fixture, scripts[i]);
        fixture.attempt.still_wanted = never;
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_LATER);
        fixture_finish(&fixture);
        assert_int_equal(fixture.server.text.len, 0);
        fixture_done(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_carries_one_unit_after_another),
        cmocka_unit_test(test_a_connection_ends_at_its_limit_of_messages),
        cmocka_unit_test(test_a_refused_transaction_is_reset_before_the_next),
        cmocka_unit_test(test_a_dead_idle_connection_costs_no_message),
        cmocka_unit_test(test_a_lost_connection_is_no_reason_to_hurry),
        cmocka_unit_test(test_too_many_recipients_go_in_further_transactions),
        cmocka_unit_test(test_a_server_that_wants_nobody_gets_no_second_try),
        cmocka_unit_test(test_full_mailboxes_are_not_too_many_recipients),
        cmocka_unit_test(test_the_limits_that_a_server_offers_are_kept),
        cmocka_unit_test(test_domains_are_kept_apart_where_the_server_asks_for_it),
        cmocka_unit_test(test_forwarded_mail_says_from_where),
        cmocka_unit_test(test_many_recipients_are_pipelined_in_windows),
        cmocka_unit_test(test_texts_arrive_whole),
        cmocka_unit_test(test_bare_newlines_never_go_out),
        cmocka_unit_test(test_a_refused_chunk_ends_the_text),
        cmocka_unit_test(test_a_text_that_cannot_be_read_is_not_sent_cut_off),
        cmocka_unit_test(test_what_needs_no_server_asks_none),
        cmocka_unit_test(test_requiretls_is_kept),
        cmocka_unit_test(test_requiretls_takes_no_connection_of_other_mail),
        cmocka_unit_test(test_ports_keep_connections_apart),
        cmocka_unit_test(test_every_wait_can_be_cancelled),
        cmocka_unit_test(test_an_unwanted_text_stays_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
