#include "io/transport.h"

#include "../cmocka_all.h"
#include "../tls_support.h"

#include "io/tasks.h"
#include "io/tls_bio.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    struct arena arena;
    struct test_identity identity;
    struct tls_server *server;
    SSL_CTX *context;
} world;

static int set_up(void **state)
{
    struct test_certificate wish = {.common_name = "mx"};
    struct tls_pair pair;

    (void)state;
    arena_init(&world.arena);
    test_identity_make(&world.identity, &wish);
    pair = test_pair(&world.arena, "mx", &world.identity, "mx");
    world.server = test_server_new(&pair, 1, NULL, 0);
    world.context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(world.context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_server_unref(world.server);
    SSL_CTX_free(world.context);
    test_identity_done(&world.identity);
    arena_done(&world.arena);
    return 0;
}

static struct transport_tls plainly(void)
{
    return (struct transport_tls){.tls = world.server, .listener = SLICE("mx")};
}

static void open_secure(struct test_line *line, int version)
{
    struct transport_tls how = plainly();

    test_line_open(line, &how, world.context);
    SSL_set_max_proto_version(line->client, version);
    assert_int_equal(test_line_shake(line), 0);
}

static void client_says(struct test_line *line, const char *text)
{
    size_t n;

    ERR_clear_error();
    assert_int_equal(SSL_write_ex(line->client, text, strlen(text), &n), 1);
    assert_int_equal(n, strlen(text));
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void test_bytes_go_both_ways(void **state)
{
    char bytes[64];
    size_t n;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_line line;
        open_secure(&line, versions[i]);
        assert_int_equal(transport_read(&line.server, bytes, sizeof(bytes)), -EAGAIN);
        assert_int_equal(line.server.read_wants, TASK_READ);
        client_says(&line, "one");
        client_says(&line, "two");
        assert_int_equal(transport_read(&line.server, bytes, 2), 2);
        assert_true(transport_has_more(&line.server));
        assert_int_equal(transport_read(&line.server, bytes, sizeof(bytes)), 1);
        assert_int_equal(transport_read(&line.server, bytes, sizeof(bytes)), 3);
        assert_false(transport_has_more(&line.server));
        assert_int_equal(transport_write(&line.server, SLICE("three")), 5);
        assert_true(test_line_client_reads(&line, bytes, sizeof(bytes), &n));
        assert_memory_equal(bytes, "three", 5);
        test_line_close(&line);
    }
}

static void test_both_ends_have_the_same_binding(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        unsigned char ours[TLS_BINDING_BYTES], theirs[TLS_BINDING_BYTES];
        struct test_line line;
        open_secure(&line, versions[i]);
        assert_true(transport_tls_binding(&line.server, ours));
        assert_int_equal(SSL_export_keying_material(line.client, theirs, sizeof(theirs),
                                                    "EXPORTER-Channel-Binding", 24, NULL, 0, 0),
                         1);
        assert_memory_equal(ours, theirs, sizeof(ours));
        test_line_close(&line);
    }
}

static void test_no_extended_master_secret_no_binding(void **state)
{
    unsigned char bytes[TLS_BINDING_BYTES];
    struct transport_tls how = plainly();
    struct transport plain;
    struct test_line line;

    (void)state;
    test_line_open(&line, &how, world.context);
    SSL_set_max_proto_version(line.client, TLS1_2_VERSION);
    SSL_set_options(line.client, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    assert_int_equal(test_line_shake(&line), 0);
    assert_false(transport_tls_binding(&line.server, bytes));
    test_line_close(&line);
    transport_init(&plain, -1);
    assert_false(transport_tls_binding(&plain, bytes));
}

static void test_the_end_is_the_end_with_close_notify_and_without(void **state)
{
    char bytes[16];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct test_line line;
        open_secure(&line, versions[i & 1]);
        client_says(&line, "bye");
        if (i & 2)
            SSL_shutdown(line.client);
        close(line.fd);
        line.fd = -1;
        assert_int_equal(transport_read(&line.server, bytes, sizeof(bytes)), 3);
        assert_int_equal(transport_read(&line.server, bytes, sizeof(bytes)), 0);
        assert_true(transport_write(&line.server, SLICE("anybody?")) < 0); /* and no SIGPIPE */
        test_line_close(&line);
    }
}

static void test_closing_says_close_notify_once(void **state)
{
    char byte;
    size_t n;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_line line;
        open_secure(&line, versions[i]);
        assert_true(transport_shut(&line.server));
        assert_false(test_line_client_reads(&line, &byte, 1, &n));
        assert_int_equal(SSL_get_shutdown(line.client), SSL_RECEIVED_SHUTDOWN);
        client_says(&line, "more"); /* is not ours to understand any more */
        assert_true(transport_discard(&line.server) > 0);
        assert_int_equal(transport_discard(&line.server), -EAGAIN);
        test_line_close(&line);
    }
}

static void test_a_slow_reader_gets_all(void **state)
{
    enum { SIZE = 4 * 1024 * 1024 };
    struct buf sent;
    struct slice rest;
    size_t got = 0, waits = 0;

    (void)state;
    buf_init(&sent, SIZE_MAX);
    for (unsigned i = 0; sent.len < SIZE; i++)
        buf_printf(&sent, "%u ", i);
    for (size_t i = 0; i < 2; i++) {
        struct test_line line;
        open_secure(&line, versions[i]);
        for (rest = buf_slice(&sent), got = 0; got < sent.len;) {
            char bytes[50000];
            size_t n;
            /* The bytes that wait may have moved. */
            char *moved = rest.len ? xslicedup(rest) : NULL;
            ssize_t taken = moved ? transport_write(&line.server, slice_from(moved, rest.len)) : 0;
            free(moved);
            if (taken > 0) {
                rest = slice_skip(rest, (size_t)taken);
                continue;
            }
            assert_true(!rest.len || taken == -EAGAIN);
            assert_int_equal(line.server.write_wants, TASK_WRITE);
            waits++;
            assert_true(test_line_client_reads(&line, bytes, sizeof(bytes), &n));
            assert_memory_equal(bytes, sent.ptr + got, n);
            got += n;
        }
        assert_true(waits > 10);
        test_line_close(&line);
    }
    buf_done(&sent);
}

/* A client whose bytes go through the test's hands. */
struct hands {
    struct transport server;
    SSL *client;
    BIO *from_client, *to_client;
    int fd;
    char why[256];
};

static void open_hands(struct hands *hands, struct slice already)
{
    struct transport_tls how = plainly();
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    how.already = already;
    transport_init(&hands->server, fds[0]);
    hands->fd = fds[1];
    hands->why[0] = '\0';
    hands->client = SSL_new(world.context);
    hands->from_client = BIO_new(BIO_s_mem());
    hands->to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(hands->client, hands->to_client, hands->from_client);
    SSL_set_connect_state(hands->client);
    if (already.ptr)
        assert_int_equal(transport_start_tls(&hands->server, &how), 0);
}

static void close_hands(struct hands *hands)
{
    transport_close(&hands->server);
    ERR_clear_error();
    SSL_free(hands->client);
    if (hands->fd >= 0)
        close(hands->fd);
}

static int shake(struct hands *hands)
{
    return transport_handshake(&hands->server, hands->why, sizeof(hands->why));
}

/* What the server has sent is handed to the client. */
static void hand_back(struct hands *hands)
{
    char bytes[20000];
    ssize_t n = recv(hands->fd, bytes, sizeof(bytes), 0);

    if (n > 0)
        assert_int_equal(BIO_write(hands->to_client, bytes, (int)n), n);
}

static struct slice client_flight(struct hands *hands)
{
    char *bytes;
    long len;

    ERR_clear_error();
    (void)SSL_do_handshake(hands->client);
    len = BIO_get_mem_data(hands->from_client, &bytes);
    return slice_from(bytes, (size_t)len);
}

static void test_a_handshake_a_byte_at_a_time(void **state)
{
    struct hands hands;
    int r = -EAGAIN;

    (void)state;
    open_hands(&hands, SLICE(""));
    for (int flight = 0; flight < 2; flight++) {
        struct slice bytes = client_flight(&hands);
        for (size_t i = 0; i < bytes.len && r == -EAGAIN; i++) {
            assert_int_equal(send(hands.fd, bytes.ptr + i, 1, 0), 1);
            r = shake(&hands);
        }
        BIO_reset(hands.from_client);
        hand_back(&hands);
    }
    assert_int_equal(r, 0);
    assert_int_equal(transport_write(&hands.server, SLICE("x")), 1);
    close_hands(&hands);
}

static void test_what_was_read_before_may_be_part_of_the_handshake(void **state)
{
    struct transport_tls how = plainly();
    struct hands hands;
    struct slice hello;

    (void)state;
    for (size_t part = 0; part < 4; part++) {
        open_hands(&hands, SLICE_NULL);
        hello = client_flight(&hands);
        how.already = slice_sub(hello, 0, part * hello.len / 3);
        assert_int_equal(transport_start_tls(&hands.server, &how), 0);
        (void)shake(&hands);
        hello = slice_skip(hello, how.already.len);
        if (hello.len)
            assert_int_equal(send(hands.fd, hello.ptr, hello.len, 0), hello.len);
        BIO_reset(hands.from_client);
        assert_int_equal(shake(&hands), -EAGAIN);
        hand_back(&hands);
        hello = client_flight(&hands);
        assert_int_equal(send(hands.fd, hello.ptr, hello.len, 0), hello.len);
        assert_int_equal(shake(&hands), 0);
        close_hands(&hands);
    }
}

static void test_cut_off_anywhere_in_the_handshake(void **state)
{
    size_t len = 1;

    (void)state;
    for (size_t cut = 0; cut < len; cut += cut < 20 ? 1 : 37) {
        struct hands hands;
        struct slice hello;
        open_hands(&hands, SLICE(""));
        hello = client_flight(&hands);
        len = hello.len;
        if (cut)
            assert_int_equal(send(hands.fd, hello.ptr, cut, 0), cut);
        close(hands.fd);
        hands.fd = -1;
        assert_int_equal(shake(&hands), -EPROTO);
        assert_true(hands.why[0]);
        assert_int_equal(transport_read(&hands.server, hands.why, 1), -EPROTO);
        assert_int_equal(transport_write(&hands.server, SLICE("x")), -EPROTO);
        close_hands(&hands);
    }
}

static void test_garbage_is_no_handshake(void **state)
{
    static const struct {
        struct slice bytes;
        const char *why;
    } cases[] = {
        {SLICE_INIT("EHLO me\r\nMAIL FROM:<>\r\n"), "wrong version number"},
        {SLICE_INIT("GET / HTTP/1.0\r\n\r\n"), "http request"},
        {SLICE_INIT("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), ""},
        {SLICE_INIT("\x17\x03\x03\x00\x01\x00"), ""},
        {SLICE_INIT("\x15\x03\x03\x00\x02\x02\x28"), ""},
        {SLICE_INIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hands hands;
        char byte;
        open_hands(&hands, SLICE(""));
        assert_int_equal(send(hands.fd, cases[i].bytes.ptr, cases[i].bytes.len, 0),
                         cases[i].bytes.len);
        assert_int_equal(shake(&hands), -EPROTO);
        if (cases[i].why[0])
            assert_string_equal(hands.why, cases[i].why);
        /* an alert at most */
        if (recv(hands.fd, &byte, 1, 0) == 1)
            assert_int_equal(byte, 0x15);
        assert_int_equal(transport_read(&hands.server, &byte, 1), -EPROTO);
        close_hands(&hands);
    }
}

static void test_a_flood_without_data_holds_nobody(void **state)
{
    struct hands hands;
    struct slice flood;
    unsigned calls = 0;
    ssize_t sent;
    char byte;

    (void)state;
    open_hands(&hands, SLICE(""));
    for (int flight = 0; flight < 2; flight++) {
        struct slice bytes = client_flight(&hands);
        assert_int_equal(send(hands.fd, bytes.ptr, bytes.len, 0), bytes.len);
        BIO_reset(hands.from_client);
        assert_int_equal(shake(&hands), flight ? 0 : -EAGAIN);
        hand_back(&hands);
    }
    do {
        SSL_key_update(hands.client, SSL_KEY_UPDATE_NOT_REQUESTED);
        flood = client_flight(&hands);
    } while (flood.len < 2 * TLS_BIO_BUDGET);
    sent = send(hands.fd, flood.ptr, flood.len, 0);
    assert_true(sent > TLS_BIO_BUDGET);
    do {
        assert_int_equal(transport_read(&hands.server, &byte, 1), -EAGAIN);
        assert_int_equal(hands.server.read_wants, TASK_READ);
        calls++;
    } while (recv(hands.server.fd, &byte, 1, MSG_PEEK) == 1);
    assert_true(calls > 1);
    close_hands(&hands);
}

static void test_no_certificate_no_tls(void **state)
{
    struct transport_tls how = {.tls = NULL};
    struct transport plain;

    (void)state;
    transport_init(&plain, -1);
    assert_int_equal(transport_start_tls(&plain, &how), -ENOKEY);
    assert_null(plain.ssl);
    assert_false(transport_has_more(&plain));
    transport_close(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_go_both_ways),
        cmocka_unit_test(test_both_ends_have_the_same_binding),
        cmocka_unit_test(test_no_extended_master_secret_no_binding),
        cmocka_unit_test(test_the_end_is_the_end_with_close_notify_and_without),
        cmocka_unit_test(test_closing_says_close_notify_once),
        cmocka_unit_test(test_a_slow_reader_gets_all),
        cmocka_unit_test(test_a_handshake_a_byte_at_a_time),
        cmocka_unit_test(test_what_was_read_before_may_be_part_of_the_handshake),
        cmocka_unit_test(test_cut_off_anywhere_in_the_handshake),
        cmocka_unit_test(test_garbage_is_no_handshake),
        cmocka_unit_test(test_a_flood_without_data_holds_nobody),
        cmocka_unit_test(test_no_certificate_no_tls),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
