/* See tls_support.h. Failures of OpenSSL end the test at once: they are not what it is about. */
#include "tls_support.h"

#include "cmocka_all.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DAY = 24 * 3600 };

static EVP_PKEY *make_key(enum test_key key)
{
    EVP_PKEY *made = key == KEY_RSA ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

    assert_non_null(made);
    return made;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static struct slice to_pem(X509 *certificate, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct slice pem;
    char *bytes;
    long len;

    if (certificate)
        assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    else
        assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &bytes);
    pem = slice_from(xslicedup(slice_from(bytes, (size_t)len)), (size_t)len);
    BIO_free(bio);
    return pem;
}

static X509 *make_certificate(EVP_PKEY *key, const struct test_certificate *wish)
{
    static long serial;
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    EVP_PKEY *signer = wish->issuer ? wish->issuer->key : key;

    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), (wish->from ? wish->from : -10) * DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), (wish->days ? wish->days : 30) * DAY);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)wish->common_name, -1, -1,
                                                0),
                     1);
    assert_int_equal(
        X509_set_issuer_name(
            certificate, wish->issuer ? X509_get_subject_name(wish->issuer->certificate) : name),
        1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    add_extension(certificate, NID_basic_constraints, wish->ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (wish->names)
        add_extension(certificate, NID_subject_alt_name, wish->names);
    assert_true(X509_sign(certificate, signer, EVP_sha256()) > 0);
    return certificate;
}

void test_identity_make(struct test_identity *identity, const struct test_certificate *wish)
{
    identity->key = make_key(wish->key);
    identity->certificate = make_certificate(identity->key, wish);
    identity->chain_pem = to_pem(identity->certificate, NULL);
    identity->key_pem = to_pem(NULL, identity->key);
}

void test_identity_done(struct test_identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    free((void *)(uintptr_t)identity->chain_pem.ptr);
    free((void *)(uintptr_t)identity->key_pem.ptr);
}

struct tls_pair test_pair(struct arena *arena, const char *name,
                          const struct test_identity *identity, const char *hosts)
{
    struct tls_pair pair = {.name = slice_from_cstr(name),
                            .chain = identity->chain_pem,
                            .key = identity->key_pem,
                            .hosts = arena_alloc(arena, 16 * sizeof(struct slice))};
    struct slice rest = slice_from_cstr(hosts);

    while (rest.len)
        pair.hosts[pair.n_hosts++] = slice_cut(&rest, ' ');
    return pair;
}

struct tls_server *test_server_new(struct tls_pair *pairs, uint32_t n_pairs,
                                   struct tls_client_ca *cas, uint32_t n_cas)
{
    struct tls_material material = {
        .pairs = pairs, .n_pairs = n_pairs, .client_cas = cas, .n_client_cas = n_cas};
    struct tls_rules rules = {.only_1_3 = false};
    struct tls_server *server = NULL;
    char why[256] = "";

    if (tls_server_new(&material, &rules, &server, why, sizeof(why)) < 0)
        fail_msg("tls_server_new: %s", why);
    return server;
}

SSL *test_client_new(SSL_CTX *context, int fd)
{
    SSL *ssl = SSL_new(context);

    assert_non_null(ssl);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

void test_line_open(struct test_line *line, const struct transport_tls *how, SSL_CTX *context)
{
    int fds[2];

    *line = (struct test_line){.why = ""};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    line->fd = fds[1];
    transport_init(&line->server, fds[0]);
    line->client = test_client_new(context, line->fd);
    assert_int_equal(transport_start_tls(&line->server, how), 0);
}

bool test_line_client_reads(struct test_line *line, char *to, size_t size, size_t *ret_n)
{
    ERR_clear_error();
    return SSL_read_ex(line->client, to, size, ret_n) == 1;
}

int test_line_shake(struct test_line *line)
{
    int r = -EAGAIN;

    for (unsigned i = 0; i < 20 && r == -EAGAIN; i++) {
        ERR_clear_error();
        (void)SSL_do_handshake(line->client);
        r = transport_handshake(&line->server, line->why, sizeof(line->why));
    }
    if (r == 0) { /* the last flight, tickets */
        size_t n;
        char byte;
        (void)SSL_do_handshake(line->client);
        (void)test_line_client_reads(line, &byte, 1, &n);
    }
    return r;
}

void test_line_close(struct test_line *line)
{
    transport_close(&line->server);
    ERR_clear_error();
    SSL_free(line->client);
    if (line->fd >= 0)
        close(line->fd);
    line->fd = -1;
}
