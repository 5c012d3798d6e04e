/* Sessions under TLS, by hand (talk/host.h), with an OpenSSL client at the other end. */
#include "receive/handshake.h"

#include "unit/cmocka_all.h"
#include "unit/tls_support.h"
#include "fake_spool.h"
#include "host.h"

#include "base/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 8 * 1024 * 1024 };

static struct {
    struct arena arena;
    struct test_identity ca, server, client;
    struct tls_server *tls;
    SSL_CTX *context;
} world;

static int set_up(void **state)
{
    struct test_certificate ca = {.common_name = "CA", .ca = true};
    struct test_certificate server = {.common_name = "mx", .names = "DNS:mx.example.org"};
    struct test_certificate client = {.common_name = "Ada (\\) L",
                                      .names = "email:ada@example.org"};
    struct tls_client_ca cas = {.listener = SLICE("l")};
    struct tls_pair pair;

    (void)state;
    log_setup("test", LOG_ERROR, LOG_LOGFMT, -1);
    arena_init(&world.arena);
    test_identity_make(&world.ca, &ca);
    server.issuer = client.issuer = &world.ca;
    test_identity_make(&world.server, &server);
    test_identity_make(&world.client, &client);
    pair = test_pair(&world.arena, "mx", &world.server, "mx.example.org");
    cas.cas = world.ca.chain_pem;
    world.tls = test_server_new(&pair, 1, &cas, 1);
    world.context = SSL_CTX_new(TLS_client_method());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_server_unref(world.tls);
    SSL_CTX_free(world.context);
    test_identity_done(&world.ca);
    test_identity_done(&world.server);
    test_identity_done(&world.client);
    arena_done(&world.arena);
    return 0;
}

struct talk {
    struct host host;
    SSL *ssl; /* NULL: plain so far */
    struct buf heard;
};

static void open_talk(struct talk *talk, const char *listener, const char *client)
{
    struct buf config;

    buf_init(&config, SIZE_MAX);
    buf_init(&talk->heard, SIZE_MAX);
    buf_printf(&config,
               "hostname mx.example.org\nstate /nowhere\ndomain example.org { deliver maildir }\n"
               "limits { message_size 50M }\n"
               "listen l { address 127.0.0.1:2525; %s }\n",
               listener);
    assert_true(host_open_tls(&talk->host, buf_slice(&config), client, world.tls));
    talk->ssl = NULL;
    buf_done(&config);
}

static void close_talk(struct talk *talk)
{
    ERR_clear_error();
    SSL_free(talk->ssl);
    assert_true(host_close(&talk->host));
    buf_done(&talk->heard);
}

/* What the server has said meanwhile. */
static void hear(struct talk *talk)
{
    char bytes[4096];
    size_t n;

    host_pump(&talk->host);
    if (!talk->ssl) {
        host_read(&talk->host, &talk->heard);
        return;
    }
    ERR_clear_error();
    while (SSL_read_ex(talk->ssl, bytes, sizeof(bytes), &n) == 1) {
        buf_add(&talk->heard, bytes, n);
        host_pump(&talk->host);
    }
}

/* In records of at most `piece` bytes. */
static void say_in_pieces(struct talk *talk, struct slice bytes, size_t piece)
{
    while (bytes.len) {
        struct slice part = slice_sub(bytes, 0, piece);
        size_t n = 0;
        ERR_clear_error();
        if (!talk->ssl) {
            host_say(&talk->host, part);
            n = part.len;
        } else if (SSL_write_ex(talk->ssl, part.ptr, part.len, &n) != 1) {
            assert_int_equal(SSL_get_error(talk->ssl, 0), SSL_ERROR_WANT_WRITE);
        }
        bytes = slice_skip(bytes, n);
        host_pump(&talk->host);
    }
}

/* Says it, and compares all that was answered with a pattern: '*' is any run of bytes. */
static bool fits(const char *pattern, struct slice text)
{
    const char *star = strchr(pattern, '*');
    size_t head = star ? (size_t)(star - pattern) : strlen(pattern);

    if (text.len < head || memcmp(text.ptr, pattern, head) != 0)
        return false;
    text = slice_skip(text, head);
    if (!star)
        return text.len == 0;
    for (; text.len; text = slice_skip(text, 1)) {
        if (fits(star + 1, text))
            return true;
    }
    return fits(star + 1, text);
}

static void expect(struct talk *talk, const char *pattern)
{
    hear(talk);
    if (!fits(pattern, buf_slice(&talk->heard)))
        fail_msg("wanted '%s', have '%.*s'", pattern, SLICE_ARG(buf_slice(&talk->heard)));
    buf_reset(&talk->heard);
}

static void exchange(struct talk *talk, const char *text, const char *pattern)
{
    say_in_pieces(talk, slice_from_cstr(text), SIZE_MAX);
    expect(talk, pattern);
}

/* The handshake; false when the server does not want it. */
static bool shake(struct talk *talk, const struct test_identity *identity)
{
    int r = 0;

    talk->ssl = test_client_new(world.context, talk->host.client);
    if (identity)
        assert_int_equal(
            SSL_use_cert_and_key(talk->ssl, identity->certificate, identity->key, NULL, 1), 1);
    for (int i = 0; i < 20 && r != 1; i++) {
        ERR_clear_error();
        r = SSL_do_handshake(talk->ssl);
        host_pump(&talk->host);
    }
    return r == 1;
}

static void start_tls(struct talk *talk)
{
    exchange(talk, "", "220 *\r\n");
    exchange(talk, "EHLO before.example\r\n", "250-*STARTTLS*");
    exchange(talk, "STARTTLS\r\n", "220 2.0.0 *\r\n");
    assert_true(shake(talk, NULL));
}

static void send_message(struct talk *talk, const char *rcpt)
{
    exchange(talk, "MAIL FROM:<a@b.example>\r\n", "250 *");
    exchange(talk, rcpt, "250 *");
    exchange(talk, "DATA\r\n", "354 *");
    exchange(talk, "Subject: x\r\n\r\nhello\r\n.\r\n", "250 2.0.0 *");
}

static void test_starttls_makes_the_session_new(void **state)
{
    struct talk talk;

    (void)state;
    open_talk(&talk, "service mx", "203.0.113.9");
    start_tls(&talk);
    exchange(&talk, "MAIL FROM:<a@b.example>\r\n", "503 5.5.1 say EHLO first\r\n");
    exchange(&talk, "STARTTLS\r\n", "503 5.5.1 TLS is on already\r\n");
    say_in_pieces(&talk, SLICE("EHLO after.example\r\n"), 1);
    hear(&talk);
    assert_null(memmem(talk.heard.ptr, talk.heard.len, "STARTTLS", 8));
    expect(&talk, "250-*250-REQUIRETLS\r\n*250 HELP\r\n");
    send_message(&talk, "RCPT TO:<joe@example.org>\r\n");
    assert_true(fits("*Received: from after.example ([203.0.113.9])\r\n*with ESMTPS id *"
                     "for <joe@example.org>\r\n\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3);*",
                     fake_spool_last()));
    exchange(&talk, "QUIT\r\n", "221 *");
    assert_int_equal(SSL_get_shutdown(talk.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    close_talk(&talk);
}

/* RFC 8689: offered and taken under TLS alone. */
static void test_requiretls_is_for_tls(void **state)
{
    struct talk talk;

    (void)state;
    open_talk(&talk, "service mx", "203.0.113.9");
    start_tls(&talk);
    exchange(&talk, "EHLO after.example\r\n", "250-*");
    exchange(&talk, "MAIL FROM:<a@b.example> REQUIRETLS\r\n", "250 2.1.0 *");
    exchange(&talk, "RCPT TO:<joe@example.org>\r\n", "250 *");
    exchange(&talk, "DATA\r\n", "354 *");
    exchange(&talk, "Subject: x\r\n\r\nhello\r\n.\r\n", "250 2.0.0 *");
    assert_true(fits("*encrypted=1*", fake_spool_last()));
    send_message(&talk, "RCPT TO:<joe@example.org>\r\n");
    assert_true(fits("*encrypted=0*", fake_spool_last()));
    close_talk(&talk);
}

static void test_nothing_said_before_the_handshake_counts_after_it(void **state)
{
    static const char *const injected[] = {"STARTTLS\r\nRSET\r\n", "STARTTLS\r\nMAIL",
                                           "STARTTLS\r\n\x16\x03\x01"};
    struct talk talk;

    (void)state;
    for (size_t i = 0; i < sizeof(injected) / sizeof(injected[0]); i++) {
        open_talk(&talk, "service submission", "203.0.113.9");
        exchange(&talk, "EHLO me\r\n", "220 *250 HELP\r\n");
        exchange(&talk, injected[i], "503 5.5.1 nothing may stand behind STARTTLS\r\n");
        assert_true(talk.host.session->shut);
        close_talk(&talk);
    }
    /* In the socket already when the handshake begins. */
    open_talk(&talk, "service submission", "203.0.113.9");
    exchange(&talk, "EHLO me\r\n", "220 *250 HELP\r\n");
    exchange(&talk, "STARTTLS\r\n", "220 2.0.0 *");
    say_in_pieces(&talk, SLICE("RSET\r\n"), SIZE_MAX);
    hear(&talk);
    assert_null(memmem(talk.heard.ptr ? talk.heard.ptr : "", talk.heard.len, "250", 3));
    assert_int_equal(talk.host.server.counts.tls_failures, 1);
    close_talk(&talk);
}

static void test_implicit_tls_speaks_from_the_first_byte(void **state)
{
    struct talk talk;

    (void)state;
    open_talk(&talk, "service mx; tls implicit", "203.0.113.9");
    expect(&talk, "");
    assert_true(shake(&talk, NULL));
    expect(&talk, "220 mx.example.org ESMTP Nuncio\r\n");
    exchange(&talk, "EHLO me\r\n", "250-*250 HELP\r\n");
    /* All in one record, then every byte in its own. */
    exchange(
        &talk,
        "MAIL FROM:<a@b.example>\r\nRCPT TO:<joe@example.org>\r\nBDAT 5 LAST\r\nX: y\nNOOP\r\n",
        "250 *250 *");
    say_in_pieces(&talk, SLICE("QUIT\r\n"), 1);
    expect(&talk, "*221 2.0.0 Bye\r\n");
    close_talk(&talk);
}

static void test_who_says_all_at_once_is_answered(void **state)
{
    static const char all[] = "NOOP\r\nQUIT\r\n";
    struct talk talk;
    size_t n;

    (void)state;
    open_talk(&talk, "service submission; tls implicit; auth off", "203.0.113.9");
    talk.ssl = test_client_new(world.context, talk.host.client);
    while (SSL_do_handshake(talk.ssl) != 1)
        host_pump(&talk.host);
    assert_int_equal(SSL_write_ex(talk.ssl, all, sizeof(all) - 1, &n), 1);
    assert_int_equal(SSL_shutdown(talk.ssl), 0);
    expect(&talk, "220 *\r\n250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n");
    close_talk(&talk);
}

static void test_a_proxy_header_comes_before_tls(void **state)
{
    static const char header[] = "PROXY TCP4 198.51.100.7 192.0.2.1 4444 465\r\n";
    struct talk talk;

    (void)state;
    for (int apart = 0; apart < 2; apart++) {
        open_talk(&talk, "service mx; tls implicit; proxy_protocol { 192.0.2.7 }", "192.0.2.7");
        assert_int_equal(send(talk.host.client, header, sizeof(header) - 1, 0), sizeof(header) - 1);
        if (apart)
            host_pump(&talk.host);
        assert_true(shake(&talk, NULL));
        expect(&talk, "220 *");
        exchange(&talk, "EHLO me\r\n", "250-*");
        send_message(&talk, "RCPT TO:<joe@example.org>\r\n");
        assert_true(fits("*from me ([198.51.100.7])*", fake_spool_last()));
        close_talk(&talk);
    }
}

static void test_client_certificates_are_told(void **state)
{
    static const struct {
        enum config_client_certificate policy;
        bool shown, good, told;
    } cases[] = {
        {CERTIFICATE_IGNORED, true, true, false},    {CERTIFICATE_ASKED, true, true, true},
        {CERTIFICATE_ASKED, false, true, false},     {CERTIFICATE_REQUIRED, true, true, true},
        {CERTIFICATE_REQUIRED, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct talk talk;
        bool told;
        open_talk(&talk, "service mx", "203.0.113.9");
        talk.host.config->listeners[0].client_certificate = cases[i].policy;
        exchange(&talk, "EHLO me\r\n", "220 *");
        exchange(&talk, "STARTTLS\r\n", "220 *");
        (void)shake(&talk, cases[i].shown ? &world.client : NULL);
        if (cases[i].good) {
            exchange(&talk, "EHLO me\r\n", "250-*");
            send_message(&talk, "RCPT TO:<joe@example.org>\r\n");
            told = fits("*(TLSv1.3, client certificate of Ada ??? L);*", fake_spool_last());
            assert_int_equal(told, cases[i].told);
        } else {
            assert_int_equal(talk.host.server.counts.tls_failures, 1);
        }
        close_talk(&talk);
    }
}

static void test_xclient_and_tls(void **state)
{
    struct talk talk;

    (void)state;
    open_talk(&talk, "service mx; xclient { 192.0.2.7 }", "192.0.2.7");
    talk.host.config->listeners[0].client_certificate = CERTIFICATE_ASKED;
    exchange(&talk, "XCLIENT ADDR=198.51.100.7\r\n", "220 *\r\n220 *");
    exchange(&talk, "EHLO me\r\n", "250-*");
    exchange(&talk, "STARTTLS\r\n", "503 5.5.1 say STARTTLS before XCLIENT\r\n");
    close_talk(&talk);
    open_talk(&talk, "service mx; xclient { 192.0.2.7 }", "192.0.2.7");
    talk.host.config->listeners[0].client_certificate = CERTIFICATE_ASKED;
    exchange(&talk, "STARTTLS\r\n", "220 *220 2.0.0 *");
    assert_true(shake(&talk, &world.client));
    assert_int_equal(talk.host.session->tls->n_peer_emails, 1);
    exchange(&talk, "EHLO proxy\r\n", "250-*XCLIENT*");
    exchange(&talk, "XCLIENT ADDR=198.51.100.7\r\n", "220 *");
    assert_int_equal(talk.host.session->tls->n_peer_emails, 0);
    assert_int_equal(talk.host.session->tls->peer_fingerprint.len, 0);
    close_talk(&talk);
}

static void test_large_texts_and_small_records(void **state)
{
    static const size_t pieces[] = {SIZE_MAX, 16384, 1000};
    struct buf text;

    (void)state;
    buf_init(&text, SIZE_MAX);
    buf_add_cstr(&text, "Subject: large\r\n\r\n");
    while (text.len < BIG)
        buf_add_cstr(&text, "0123456789012345678901234567890123456789012345678901234567890\r\n");
    buf_add_cstr(&text, ".\r\n");
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct talk talk;
        open_talk(&talk, "service mx", "203.0.113.9");
        start_tls(&talk);
        exchange(&talk, "EHLO me\r\n", "250-*");
        exchange(&talk, "MAIL FROM:<a@b.example>\r\n", "250 *");
        exchange(&talk, "RCPT TO:<joe@example.org>\r\n", "250 *");
        exchange(&talk, "DATA\r\n", "354 *");
        say_in_pieces(&talk, buf_slice(&text), pieces[i]);
        expect(&talk, "250 2.0.0 *");
        assert_true(fake_spool_last().len > BIG);
        close_talk(&talk);
    }
    buf_done(&text);
}

static void test_a_client_that_does_not_read_gets_all_later(void **state)
{
    enum { COUNT = 900, SMALL = 4096 };
    const int small = SMALL;
    struct talk talk;
    struct buf many;
    unsigned lines = 0;

    (void)state;
    buf_init(&many, SIZE_MAX);
    open_talk(&talk, "service mx", "203.0.113.9");
    start_tls(&talk);
    exchange(&talk, "EHLO me\r\n", "250-*");
    assert_int_equal(
        setsockopt(talk.host.session->transport.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
        0);
    buf_add_cstr(&many, "MAIL FROM:<a@example.org>\r\n");
    for (int i = 0; i < COUNT; i++)
        buf_printf(&many, "RCPT TO:<joe%d@example.org>\r\n", i);
    say_in_pieces(&talk, buf_slice(&many), 16384);
    assert_true(talk.host.session->unsent.len > 0);
    assert_int_equal(talk.host.parked.want, TASK_WRITE);
    hear(&talk);
    for (size_t i = 0; i < talk.heard.len; i++)
        lines += talk.heard.ptr[i] == '\n';
    assert_int_equal(lines, COUNT + 1);
    assert_int_equal(talk.host.session->unsent.len, 0);
    buf_done(&many);
    close_talk(&talk);
}

static void test_a_handshake_has_its_time(void **state)
{
    struct talk talk;

    (void)state;
    for (int implicit = 0; implicit < 2; implicit++) {
        open_talk(&talk, implicit ? "service mx; tls implicit" : "service mx", "203.0.113.9");
        if (!implicit)
            exchange(&talk, "STARTTLS\r\n", "220 *220 *");
        host_say(&talk.host, SLICE("\x16\x03\x01"));
        host_sleep(&talk.host, 59 * 1000);
        assert_non_null(talk.host.session);
        host_say(&talk.host, SLICE("\x02"));
        host_sleep(&talk.host, 2 * 1000);
        assert_null(talk.host.session);
        expect(&talk, "");
        close_talk(&talk);
    }
}

static void test_the_end_of_the_role_is_told_under_tls_only(void **state)
{
    struct talk talk;

    (void)state;
    open_talk(&talk, "service mx", "203.0.113.9");
    start_tls(&talk);
    exchange(&talk, "EHLO me\r\n", "250-*");
    host_stop(&talk.host);
    expect(&talk, "421 4.3.2 *");
    assert_int_equal(SSL_get_shutdown(talk.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    close_talk(&talk);
    open_talk(&talk, "service mx; tls implicit", "203.0.113.9");
    host_stop(&talk.host);
    expect(&talk, "");
    close_talk(&talk);
}

static void test_key_updates_bring_nobody_out_of_step(void **state)
{
    struct talk talk;

    (void)state;
    open_talk(&talk, "service mx", "203.0.113.9");
    start_tls(&talk);
    exchange(&talk, "EHLO me\r\n", "250-*");
    for (int i = 0; i < 40; i++) {
        assert_int_equal(SSL_key_update(talk.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        exchange(&talk, "NOOP\r\n", "250 *");
    }
    close_talk(&talk);
}

static void test_cut_off_anywhere_leaves_nothing_behind(void **state)
{
    static const char *const said[] = {
        "EHLO me\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<joe@example.org>\r\n",
        "DATA\r\n",    "Subject: x\r\n\r\nhal",       "f\r\n.\r\n"};

    (void)state;
    for (size_t cut = 0; cut <= sizeof(said) / sizeof(said[0]); cut++) {
        for (int politely = 0; politely < 2; politely++) {
            struct talk talk;
            open_talk(&talk, "service mx", "203.0.113.9");
            start_tls(&talk);
            for (size_t i = 0; i < cut; i++)
                say_in_pieces(&talk, slice_from_cstr(said[i]), SIZE_MAX);
            if (politely)
                SSL_shutdown(talk.ssl);
            close_talk(&talk); /* says so when there is something left */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starttls_makes_the_session_new),
        cmocka_unit_test(test_requiretls_is_for_tls),
        cmocka_unit_test(test_nothing_said_before_the_handshake_counts_after_it),
        cmocka_unit_test(test_implicit_tls_speaks_from_the_first_byte),
        cmocka_unit_test(test_who_says_all_at_once_is_answered),
        cmocka_unit_test(test_a_proxy_header_comes_before_tls),
        cmocka_unit_test(test_client_certificates_are_told),
        cmocka_unit_test(test_xclient_and_tls),
        cmocka_unit_test(test_large_texts_and_small_records),
        cmocka_unit_test(test_a_client_that_does_not_read_gets_all_later),
        cmocka_unit_test(test_a_handshake_has_its_time),
        cmocka_unit_test(test_the_end_of_the_role_is_told_under_tls_only),
        cmocka_unit_test(test_key_updates_bring_nobody_out_of_step),
        cmocka_unit_test(test_cut_off_anywhere_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
