/* The client's side of TLS against OpenSSL's server on a thread: what is demanded, what is found.
 */
#include "io/stream.h"

#include "../tls_support.h"
#include "base/clock.h"
#include "io/tls_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_MS = 20000, SHORT_MS = 100 };

static struct {
    struct test_identity ca, good, wild, partial, expired, alien, taken;
} world;

static uint64_t in_ms(uint64_t ms)
{
    return clock_mono_ms() + ms;
}

/* A server for one connection: shakes hands, says `word`, reads until the client has closed. */
struct peer {
    const struct test_identity *identity;
    const char *word; /* or NULL */
    int version;      /* 0: any */
    SSL_CTX *context; /* kept by the caller, so that tickets are good for the next one */
    int fd;
    pthread_t thread;
    bool shook, resumed, said_goodbye;
};

static void *serve(void *arg)
{
    struct peer *peer = arg;
    SSL *ssl = SSL_new(peer->context);
    char bytes[100];
    int r;

    SSL_set_fd(ssl, peer->fd);
    peer->shook = SSL_accept(ssl) == 1;
    if (peer->shook && peer->word)
        SSL_write(ssl, peer->word, (int)strlen(peer->word));
    peer->resumed = SSL_session_reused(ssl);
    do
        r = SSL_read(ssl, bytes, sizeof(bytes));
    while (r > 0);
    peer->said_goodbye = SSL_get_error(ssl, r) == SSL_ERROR_ZERO_RETURN;
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

static SSL_CTX *new_context(const struct peer *peer)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"t", 1);
    assert_int_equal(SSL_CTX_use_certificate(context, peer->identity->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, peer->identity->key), 1);
    assert_int_equal(SSL_CTX_add1_chain_cert(context, world.ca.certificate), 1);
    SSL_CTX_set_min_proto_version(context, peer->version);
    SSL_CTX_set_max_proto_version(context, peer->version);
    return context;
}

static struct stream open_peer(struct peer *peer, int cancel_fd)
{
    struct stream stream;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    stream_init(&stream, fds[0], cancel_fd);
    peer->fd = fds[1];
    if (!peer->context)
        peer->context = new_context(peer);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
    return stream;
}

static void close_peer(struct peer *peer, struct stream *stream, bool last)
{
    stream_done(stream);
    pthread_join(peer->thread, NULL);
    close(peer->fd);
    if (last)
        SSL_CTX_free(peer->context);
}

static struct tls_client *new_client(void)
{
    struct tls_client *client;

    assert_int_equal(tls_client_new(world.ca.chain_pem, false, &client), 0);
    return client;
}

/* One handshake; the verdict and the result. */
static int try_once(const struct test_identity *identity, const struct tls_demand *demand,
                    struct tls_verdict *ret_verdict)
{
    struct tls_client *client = new_client();
    struct peer peer = {.identity = identity};
    struct stream stream = open_peer(&peer, -1);
    int r = stream_start_tls(&stream, client, demand, in_ms(LONG_MS), ret_verdict);

    close_peer(&peer, &stream, true);
    tls_client_unref(client);
    return r;
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL's own writes raise it */
    test_identity_make(&world.ca, &(struct test_certificate){.common_name = "CA", .ca = true});
    test_identity_make(&world.good, &(struct test_certificate){.common_name = "x",
                                                               .names = "DNS:mx.far.test",
                                                               .issuer = &world.ca});
    test_identity_make(&world.wild, &(struct test_certificate){.common_name = "x",
                                                               .names = "DNS:*.far.test",
                                                               .issuer = &world.ca});
    test_identity_make(&world.partial, &(struct test_certificate){.common_name = "x",
                                                                  .names = "DNS:m*.far.test",
                                                                  .issuer = &world.ca});
    test_identity_make(&world.expired, &(struct test_certificate){.common_name = "x",
                                                                  .names = "DNS:mx.far.test",
                                                                  .issuer = &world.ca,
                                                                  .days = -1});
    test_identity_make(
        &world.alien,
        &(struct test_certificate){.key = KEY_RSA, .common_name = "x", .names = "DNS:mx.far.test"});
    /* The common name counts only where there is no other. */
    test_identity_make(&world.taken, &(struct test_certificate){.common_name = "mx.far.test",
                                                                .names = "DNS:other.test",
                                                                .issuer = &world.ca});
    return 0;
}

static int tear_down(void **state)
{
    struct test_identity *all[] = {&world.ca,      &world.good,  &world.wild, &world.partial,
                                   &world.expired, &world.alien, &world.taken};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        test_identity_done(all[i]);
    return 0;
}

static void test_names_and_cas_are_judged(void **state)
{
    static const struct {
        const struct test_identity *identity;
        struct slice name;
        const char *result;
    } cases[] = {
        {&world.good, SLICE_INIT("mx.far.test"), NULL},
        {&world.good, SLICE_INIT("MX.FAR.TEST"), NULL},
        {&world.good, SLICE_INIT("far.test"), "certificate-host-mismatch"},
        {&world.good, SLICE_INIT("192.0.2.1"), "certificate-host-mismatch"},
        {&world.wild, SLICE_INIT("mx.far.test"), NULL},
        {&world.wild, SLICE_INIT("a.mx.far.test"), "certificate-host-mismatch"},
        {&world.wild, SLICE_INIT("far.test"), "certificate-host-mismatch"},
        {&world.partial, SLICE_INIT("mx.far.test"), "certificate-host-mismatch"},
        {&world.taken, SLICE_INIT("mx.far.test"), "certificate-host-mismatch"},
        {&world.expired, SLICE_INIT("mx.far.test"), "certificate-expired"},
        {&world.alien, SLICE_INIT("mx.far.test"), "certificate-not-trusted"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice name = cases[i].name;
        struct tls_demand demand = {.level = TLS_VERIFY, .names = &name, .n_names = 1};
        struct tls_verdict verdict;
        int r = try_once(cases[i].identity, &demand, &verdict);

        if (cases[i].result) {
            assert_int_equal(r, -EPROTO);
            assert_string_equal(verdict.result, cases[i].result);
            assert_true(strlen(verdict.why) > 5);
            assert_null(verdict.version);
        } else {
            assert_int_equal(r, 0);
            assert_true(verdict.verified);
            assert_null(verdict.result);
        }
        /* The same certificate where nobody asks for one. */
        demand.level = TLS_ANY;
        assert_int_equal(try_once(cases[i].identity, &demand, &verdict), 0);
        assert_string_equal(verdict.version, "TLSv1.3");
        assert_int_equal(verdict.verified, cases[i].result == NULL);
        if (cases[i].result)
            assert_string_equal(verdict.result, cases[i].result);
    }
}

static void test_nothing_can_be_verified_without_names(void **state)
{
    struct tls_demand demand = {.level = TLS_VERIFY};
    struct tls_verdict verdict;

    (void)state;
    assert_int_equal(try_once(&world.good, &demand, &verdict), -EINVAL);
    assert_string_equal(verdict.result, "validation-failure");
}

/* ---- DANE ----------------------------------------------------------------------------------- */

/* What a record says of a certificate; freed by OPENSSL_free(). */
static struct slice association(const X509 *certificate, uint8_t selector, uint8_t matching)
{
    unsigned char *der = NULL, *digest;
    int len = selector == TLSA_CERT ? i2d_X509(certificate, &der)
                                    : i2d_PUBKEY(X509_get0_pubkey(certificate), &der);
    unsigned digest_len = 0;

    assert_true(len > 0);
    if (matching == TLSA_FULL)
        return slice_from(der, (size_t)len);
    digest = OPENSSL_malloc(EVP_MAX_MD_SIZE);
    EVP_Digest(der, (size_t)len, digest, &digest_len,
               matching == TLSA_SHA2_256 ? EVP_sha256() : EVP_sha512(), NULL);
    OPENSSL_free(der);
    return slice_from(digest, digest_len);
}

static int try_dane(const struct test_identity *identity, const struct test_identity *pinned,
                    struct tls_tlsa tlsa, struct slice name, struct tls_verdict *ret_verdict)
{
    struct slice data = association(pinned->certificate, tlsa.selector, tlsa.matching);
    struct tls_demand demand = {
        .level = TLS_DANE, .sni = name, .names = &name, .n_names = 1, .tlsa = &tlsa, .n_tlsa = 1};
    int r;

    tlsa.data = data;
    assert_true(tls_tlsa_is_usable(&tlsa) || tlsa.usage < TLSA_DANE_TA);
    r = try_once(identity, &demand, ret_verdict);
    OPENSSL_free((void *)(uintptr_t)data.ptr);
    return r;
}

static void test_records_of_all_kinds_fit_what_they_describe(void **state)
{
    struct tls_verdict verdict;

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        struct tls_tlsa tlsa = {.usage = i < 6 ? TLSA_DANE_TA : TLSA_DANE_EE,
                                .selector = (uint8_t)(i / 3 % 2),
                                .matching = (uint8_t)(i % 3)};
        const struct test_identity *pinned = i < 6 ? &world.ca : &world.good;

        assert_int_equal(try_dane(&world.good, pinned, tlsa, SLICE("mx.far.test"), &verdict), 0);
        assert_true(verdict.verified);
        assert_int_equal(try_dane(&world.alien, pinned, tlsa, SLICE("mx.far.test"), &verdict),
                         -EPROTO);
        assert_string_equal(verdict.result, "tlsa-invalid");
    }
}

/* RFC 7672 section 3.1.1: neither names nor dates nor CAs; section 3.1.2: names, and dates. */
static void test_an_end_entity_needs_no_name_and_an_issuer_does(void **state)
{
    struct tls_tlsa ee = {TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA2_256, SLICE_NULL};
    struct tls_tlsa ta = {TLSA_DANE_TA, TLSA_SPKI, TLSA_SHA2_256, SLICE_NULL};
    struct tls_verdict verdict;

    (void)state;
    assert_int_equal(try_dane(&world.expired, &world.expired, ee, SLICE("no.test"), &verdict), 0);
    assert_int_equal(try_dane(&world.alien, &world.alien, ee, SLICE("no.test"), &verdict), 0);
    assert_int_equal(try_dane(&world.good, &world.ca, ta, SLICE("no.test"), &verdict), -EPROTO);
    assert_string_equal(verdict.result, "certificate-host-mismatch");
    assert_int_equal(try_dane(&world.expired, &world.ca, ta, SLICE("mx.far.test"), &verdict),
                     -EPROTO);
    assert_string_equal(verdict.result, "certificate-expired");
}

/* A certificate that a CA vouches for is no good where a record says otherwise. */
static void test_records_of_other_usages_demand_nothing_that_could_be_met(void **state)
{
    struct tls_tlsa pkix = {TLSA_PKIX_EE, TLSA_SPKI, TLSA_SHA2_256, SLICE_NULL};
    struct tls_verdict verdict;

    (void)state;
    assert_int_equal(try_dane(&world.good, &world.good, pkix, SLICE("mx.far.test"), &verdict),
                     -EINVAL);
}

static void test_which_records_are_usable(void **state)
{
    static const unsigned char digest[64];
    struct slice key = association(world.good.certificate, TLSA_SPKI, TLSA_FULL);
    const struct {
        struct tls_tlsa tlsa;
        bool usable;
    } cases[] = {
        {{3, 1, 1, slice_from(digest, 32)}, true},
        {{2, 0, 2, slice_from(digest, 64)}, true},
        {{3, 1, 1, slice_from(digest, 31)}, false},
        {{3, 1, 2, slice_from(digest, 32)}, false},
        {{3, 1, 1, SLICE_NULL}, false},
        {{0, 1, 1, slice_from(digest, 32)}, false},
        {{1, 1, 1, slice_from(digest, 32)}, false},
        {{4, 1, 1, slice_from(digest, 32)}, false},
        {{255, 1, 1, slice_from(digest, 32)}, false},
        {{3, 2, 1, slice_from(digest, 32)}, false},
        {{3, 1, 3, slice_from(digest, 32)}, false},
        {{3, 1, 0, slice_from(digest, 32)}, false},
        {{3, 1, 0, key}, true},
        {{3, 0, 0, key}, false},
        {{3, 1, 0, slice_sub(key, 0, key.len - 1)}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(tls_tlsa_is_usable(&cases[i].tlsa), cases[i].usable);
    OPENSSL_free((void *)(uintptr_t)key.ptr);
}

/* ---- the stream ----------------------------------------------------------------------------- */

static void test_a_conversation_and_its_end(void **state)
{
    struct tls_client *client = new_client();
    struct peer peer = {.identity = &world.good, .word = "250 ok\r\n"};
    struct stream stream = open_peer(&peer, -1);
    struct tls_demand demand = {.level = TLS_ANY};
    struct tls_verdict verdict;
    struct slice line;

    (void)state;
    assert_int_equal(stream_start_tls(&stream, client, &demand, in_ms(LONG_MS), &verdict), 0);
    assert_string_equal(verdict.cipher, "TLS_AES_256_GCM_SHA384");
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), 0);
    assert_true(slice_eq(line, SLICE("250 ok")));
    assert_int_equal(stream_write(&stream, SLICE("QUIT\r\n"), in_ms(LONG_MS)), 0);
    assert_int_equal(stream_read_line(&stream, in_ms(SHORT_MS), &line), -ETIMEDOUT);
    close_peer(&peer, &stream, true);
    assert_true(peer.said_goodbye);
    tls_client_unref(client);
}

/* What the peer has sent by now has arrived. */
static void wait_a_moment(void)
{
    usleep(SHORT_MS * 1000);
}

/* Tickets of TLS 1.3 come behind the handshake, in one's own time. */
static void test_tickets_are_no_talk(void **state)
{
    static const char *const words[] = {NULL, "421 too slow\r\n"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct tls_client *client = new_client();
        struct peer peer = {.identity = &world.good, .word = words[i]};
        struct stream stream = open_peer(&peer, -1);
        struct tls_demand demand = {.level = TLS_ANY};
        struct tls_verdict verdict;

        assert_int_equal(stream_start_tls(&stream, client, &demand, in_ms(LONG_MS), &verdict), 0);
        wait_a_moment();
        assert_int_equal(stream_is_quiet(&stream), words[i] == NULL);
        shutdown(peer.fd, SHUT_RDWR);
        wait_a_moment();
        assert_false(stream_is_quiet(&stream));
        close_peer(&peer, &stream, true);
        tls_client_unref(client);
    }
}

/* Connects and reads on for a moment, so that tickets are seen. */
static bool is_resumed(struct tls_client *client, struct peer *peer,
                       const struct tls_demand *demand)
{
    struct stream stream = open_peer(peer, -1);
    struct tls_verdict verdict;
    struct slice line;

    assert_int_equal(stream_start_tls(&stream, client, demand, in_ms(LONG_MS), &verdict), 0);
    assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), 0);
    close_peer(peer, &stream, false);
    assert_int_equal(verdict.resumed, peer->resumed);
    assert_int_equal(verdict.verified, demand->n_names > 0);
    return verdict.resumed;
}

static void test_sessions_are_resumed_by_the_same_demand_alone(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct slice name = SLICE("mx.far.test");

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct tls_client *client = new_client();
        struct peer peer = {.identity = &world.good, .word = "220 hi\r\n", .version = versions[i]};
        struct tls_demand any = {.level = TLS_ANY, .resume = SLICE("mx.far.test 25")};
        struct tls_demand verify = any, other = any, none = any;

        verify.level = TLS_VERIFY;
        verify.names = &name;
        verify.n_names = 1;
        other.resume = SLICE("mx.far.test 26");
        none.resume = SLICE_NULL;
        assert_false(is_resumed(client, &peer, &any));
        assert_true(is_resumed(client, &peer, &any));
        assert_true(is_resumed(client, &peer, &any));
        assert_false(is_resumed(client, &peer, &verify));
        assert_true(is_resumed(client, &peer, &verify));
        assert_false(is_resumed(client, &peer, &other));
        assert_false(is_resumed(client, &peer, &none));
        assert_false(is_resumed(client, &peer, &none));
        SSL_CTX_free(peer.context);
        tls_client_unref(client);
    }
}

/* A peer that does not answer: waits end at the deadline, and when they are cancelled. */
static void test_a_handshake_does_not_wait_for_ever(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct tls_client *client = new_client();
        int cancel_fd = eventfd(0, EFD_CLOEXEC), fds[2];
        struct tls_demand demand = {.level = TLS_ANY};
        struct tls_verdict verdict;
        struct stream stream;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        stream_init(&stream, fds[0], cancel_fd);
        if (i)
            assert_int_equal(write(cancel_fd, &(uint64_t){1}, 8), 8);
        assert_int_equal(
            stream_start_tls(&stream, client, &demand, in_ms(i ? LONG_MS : SHORT_MS), &verdict),
            i ? -ECANCELED : -ETIMEDOUT);
        assert_string_equal(verdict.result, "validation-failure");
        stream_done(&stream);
        close(fds[1]);
        close(cancel_fd);
        tls_client_unref(client);
    }
}

static void test_what_is_no_tls_is_told(void **state)
{
    static const struct {
        struct slice bytes;
        bool before; /* STARTTLS was answered in the same breath */
        int result;
        const char *why;
    } cases[] = {
        {SLICE_INIT("500 what?\r\n500 what?\r\n"), false, -EPROTO, "wrong version number"},
        {SLICE_INIT("220 go\r\n250 more\r\n"), true, -EBADMSG, "the server spoke in the clear"},
        {SLICE_INIT(""), false, -EPROTO, "the server has gone"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_client *client = new_client();
        struct tls_demand demand = {.level = TLS_ANY};
        struct tls_verdict verdict;
        struct stream stream;
        struct slice line;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        stream_init(&stream, fds[0], -1);
        assert_int_equal(write(fds[1], cases[i].bytes.ptr, cases[i].bytes.len),
                         (ssize_t)cases[i].bytes.len);
        shutdown(fds[1], SHUT_WR);
        if (cases[i].before)
            assert_int_equal(stream_read_line(&stream, in_ms(LONG_MS), &line), 0);
        assert_int_equal(stream_start_tls(&stream, client, &demand, in_ms(LONG_MS), &verdict),
                         cases[i].result);
        assert_string_equal(verdict.result, "validation-failure");
        assert_int_equal(strncmp(verdict.why, cases[i].why, strlen(cases[i].why)), 0);
        stream_done(&stream);
        close(fds[1]);
        tls_client_unref(client);
    }
}

static void test_cas_must_be_cas(void **state)
{
    struct tls_client *client;

    (void)state;
    assert_int_equal(tls_client_new(SLICE("no certificate"), false, &client), -EINVAL);
    assert_int_equal(tls_client_new(SLICE_NULL, false, &client), 0);
    tls_client_unref(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_cas_are_judged),
        cmocka_unit_test(test_nothing_can_be_verified_without_names),
        cmocka_unit_test(test_records_of_all_kinds_fit_what_they_describe),
        cmocka_unit_test(test_an_end_entity_needs_no_name_and_an_issuer_does),
        cmocka_unit_test(test_records_of_other_usages_demand_nothing_that_could_be_met),
        cmocka_unit_test(test_which_records_are_usable),
        cmocka_unit_test(test_a_conversation_and_its_end),
        cmocka_unit_test(test_tickets_are_no_talk),
        cmocka_unit_test(test_sessions_are_resumed_by_the_same_demand_alone),
        cmocka_unit_test(test_a_handshake_does_not_wait_for_ever),
        cmocka_unit_test(test_what_is_no_tls_is_told),
        cmocka_unit_test(test_cas_must_be_cas),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
