/*
 * Certificates made in the test, and a TLS client at the other end of a socketpair.
 */
#ifndef NUNCIO_TESTS_TLS_SUPPORT_H
#define NUNCIO_TESTS_TLS_SUPPORT_H

#include "io/tls_server.h"
#include "io/transport.h"

#include <openssl/ssl.h>

struct test_identity {
    X509 *certificate;
    EVP_PKEY *key;
    struct slice chain_pem, key_pem;
};

enum test_key { KEY_EC, KEY_RSA };

struct test_certificate {
    enum test_key key;
    const char *common_name;
    const char *names;                  /* SAN as in openssl.cnf: "DNS:a,email:b", or NULL */
    const struct test_identity *issuer; /* NULL: self-signed */
    bool ca;
    int days; /* 0: 30 */
    int from; /* in so many days; 0: it began ten days ago */
};

void test_identity_make(struct test_identity *identity, const struct test_certificate *wish);
void test_identity_done(struct test_identity *identity);
/* Its hosts are those of `hosts`, separated by blanks; from the arena. */
struct tls_pair test_pair(struct arena *arena, const char *name,
                          const struct test_identity *identity, const char *hosts);

/* Material of pairs, for a server that must be made. */
struct tls_server *test_server_new(struct tls_pair *pairs, uint32_t n_pairs,
                                   struct tls_client_ca *cas, uint32_t n_cas);

/* A client on a non-blocking descriptor; the rest is done with OpenSSL's own calls. */
SSL *test_client_new(SSL_CTX *context, int fd);

/* A transport and an OpenSSL client at the two ends of a socketpair, on one thread. */
struct test_line {
    struct transport server;
    SSL *client;
    int fd; /* the client's; -1 once closed */
    char why[256];
};

/* TLS as `how` says; the client follows `context`, which verifies nothing unless told to. */
void test_line_open(struct test_line *line, const struct transport_tls *how, SSL_CTX *context);
/* Both sides by turns until the server is done: its result. The client has read what was sent. */
int test_line_shake(struct test_line *line);
void test_line_close(struct test_line *line);
/* One read of the client; false when nothing came. */
bool test_line_client_reads(struct test_line *line, char *to, size_t size, size_t *ret_n);

#endif
