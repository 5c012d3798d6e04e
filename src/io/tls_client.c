/*
 * The context of all connections to other servers, and how a demand is put on one of them.
 *
 * - As the server's side (io/tls_server.c): TLS 1.2 and 1.3, no compression, no renegotiation, and
 *   openssl.cnf is not read.
 * - Where nobody is authenticated (TLS_ANY) everything is better than clear text: any certificate,
 *   keys and signatures of any strength, servers without RFC 5746. Where somebody is, security
 *   level 2 holds as it does on our own side.
 * - Names and TLSA records are judged by OpenSSL: wildcards as a whole first label (RFC 7672
 *   section 3.2.3), the common name only where there is no DNS-ID, digest agility (RFC 7671 section
 *   9), neither names nor dates for DANE-EE(3) (RFC 7672 section 3.1.1).
 * - The system's CAs are read when the context is made, as one file: the role is locked in later. A
 *   system that has a folder of them alone is read as OpenSSL goes.
 *
 * A session that is resumed brings the judgement on its certificate along; its key holds all of the
 * demand, and it is kept for an hour at the most (io/tls_sessions.h).
 */
#include "io/tls_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "io/tls_error.h"
#include "io/tls_sessions.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CIPHERS_1_2                                                                                \
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:AESGCM:AES:"            \
    "!aNULL:!eNULL:!PSK:!SRP:!aDSS:!AESCCM"
#define GROUPS "X25519:P-256:P-384:P-521"

enum { LEVEL_AUTHENTICATED = 2, LEVEL_ANY = 0 };

struct tls_client {
    atomic_uint references;
    SSL_CTX *ssl;
    struct tls_sessions *sessions;
};

static const char *const system_cas[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

/* ---- sessions ------------------------------------------------------------------------------- */

static int key_index = -1; /* of an SSL's session key */
static pthread_once_t key_index_once = PTHREAD_ONCE_INIT;

static void free_key(void *parent, void *key, CRYPTO_EX_DATA *data, int index, long number,
                     void *pointer)
{
    (void)parent, (void)data, (void)index, (void)number, (void)pointer;
    free(key);
}

static void make_key_index(void)
{
    key_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_key);
}

/* OpenSSL has a new session: with TLS 1.3 that is when the server's ticket is read. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const unsigned char *key = SSL_get_ex_data(ssl, key_index);

    if (!key)
        return 0;
    tls_sessions_add(client->sessions, key, session, clock_mono_ms());
    return 1;
}

static bool digest_add(EVP_MD_CTX *digest, struct slice bytes)
{
    uint64_t len = bytes.len;

    return EVP_DigestUpdate(digest, &len, sizeof(len)) == 1 &&
           (bytes.len == 0 || EVP_DigestUpdate(digest, bytes.ptr, bytes.len) == 1);
}

static bool make_key(const struct tls_demand *demand, unsigned char *ret_key)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint8_t level = (uint8_t)demand->level;
    bool good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                digest_add(digest, demand->resume) && digest_add(digest, demand->sni) &&
                EVP_DigestUpdate(digest, &level, 1) == 1;

    for (unsigned i = 0; i < demand->n_names && good; i++)
        good = digest_add(digest, demand->names[i]);
    for (unsigned i = 0; i < demand->n_tlsa && good; i++) {
        const struct tls_tlsa *tlsa = &demand->tlsa[i];
        uint8_t numbers[3] = {tlsa->usage, tlsa->selector, tlsa->matching};
        good = EVP_DigestUpdate(digest, numbers, sizeof(numbers)) == 1 &&
               digest_add(digest, tlsa->data);
    }
    good = good && EVP_DigestFinal_ex(digest, ret_key, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return good;
}

/* Without it the handshake is a full one. */
static void resume(const struct tls_client *client, const struct tls_demand *demand, SSL *ssl)
{
    unsigned char *key;
    SSL_SESSION *session;

    if (demand->resume.len == 0 || key_index < 0)
        return;
    key = xmalloc(TLS_SESSION_KEY_BYTES);
    if (!make_key(demand, key) || SSL_set_ex_data(ssl, key_index, key) != 1) {
        free(key);
        return;
    }
    session = tls_sessions_take(client->sessions, key, clock_mono_ms());
    if (session)
        (void)SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
}

/* ---- the context ---------------------------------------------------------------------------- */

static bool add_cas(SSL_CTX *ssl, struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    unsigned count = 0;
    bool good = bio != NULL;
    X509 *ca;

    while (good && (ca = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
        good = X509_STORE_add_cert(store, ca) == 1;
        X509_free(ca);
        count++;
    }
    BIO_free(bio);
    ERR_clear_error();
    /* A CA of the file may be an intermediate one: then it is trusted by itself. */
    return good && count && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static void add_system_cas(SSL_CTX *ssl)
{
    bool found = false;

    for (size_t i = 0; i < sizeof(system_cas) / sizeof(system_cas[0]) && !found; i++)
        found = SSL_CTX_load_verify_file(ssl, system_cas[i]) == 1;
    if (!found)
        (void)SSL_CTX_set_default_verify_paths(ssl);
    ERR_clear_error();
}

static SSL_CTX *make_context(struct tls_client *client, bool only_1_3)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());

    if (!ssl)
        return NULL;
    SSL_CTX_set_app_data(ssl, client);
    SSL_CTX_set_security_level(ssl, LEVEL_AUTHENTICATED);
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, on_session);
    if (SSL_CTX_set_min_proto_version(ssl, only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(ssl, CIPHERS_1_2) == 1 &&
        SSL_CTX_set1_groups_list(ssl, GROUPS) == 1 && SSL_CTX_dane_enable(ssl) == 1)
        return ssl;
    SSL_CTX_free(ssl);
    return NULL;
}

int tls_client_new(struct slice ca, bool only_1_3, struct tls_client **ret_client)
{
    struct tls_client *client;
    int r = 0;

    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    pthread_once(&key_index_once, make_key_index);
    ERR_clear_error();
    client = xcalloc(1, sizeof(*client));
    client->references = 1;
    client->sessions = tls_sessions_new();
    client->ssl = make_context(client, only_1_3);
    if (!client->ssl)
        r = -ENOMEM;
    else if (ca.len && !add_cas(client->ssl, ca))
        r = -EINVAL;
    else if (ca.len == 0)
        add_system_cas(client->ssl);
    if (r == 0)
        *ret_client = client;
    else
        tls_client_unref(client);
    return r;
}

struct tls_client *tls_client_ref(struct tls_client *client)
{
    atomic_fetch_add(&client->references, 1);
    return client;
}

void tls_client_unref(struct tls_client *client)
{
    if (!client || atomic_fetch_sub(&client->references, 1) > 1)
        return;
    SSL_CTX_free(client->ssl);
    tls_sessions_free(client->sessions);
    free(client);
}

/* ---- one connection ------------------------------------------------------------------------- */

static bool to_cstr(struct slice name, char ret_text[TLS_NAME_MAX + 1])
{
    if (name.len > TLS_NAME_MAX || slice_find(name, '\0') >= 0)
        return false;
    memcpy(ret_text, name.ptr, name.len);
    ret_text[name.len] = '\0';
    return true;
}

/* Any of them will do. */
static bool set_names(SSL *ssl, const struct tls_demand *demand)
{
    char name[TLS_NAME_MAX + 1];

    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    for (unsigned i = 0; i < demand->n_names; i++) {
        if (!to_cstr(demand->names[i], name) || SSL_add1_host(ssl, name) != 1)
            return false;
    }
    return true;
}

static bool set_dane(SSL *ssl, const struct tls_demand *demand)
{
    char base[TLS_NAME_MAX + 1];
    unsigned usable = 0;

    if (!to_cstr(demand->sni, base) || SSL_dane_enable(ssl, base) != 1)
        return false;
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (unsigned i = 0; i < demand->n_tlsa; i++) {
        const struct tls_tlsa *tlsa = &demand->tlsa[i];
        if (tlsa->usage >= TLSA_DANE_TA)
            usable += SSL_dane_tlsa_add(ssl, tlsa->usage, tlsa->selector, tlsa->matching,
                                        (const unsigned char *)tlsa->data.ptr, tlsa->data.len) == 1;
    }
    /* Without any OpenSSL would ask the CAs instead. */
    return usable > 0;
}

static bool set_demand(SSL *ssl, const struct tls_demand *demand)
{
    char sni[TLS_NAME_MAX + 1];

    if (demand->level == TLS_ANY) {
        SSL_set_security_level(ssl, LEVEL_ANY);
        SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
    } else {
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    }
    if (demand->level == TLS_DANE && !set_dane(ssl, demand))
        return false;
    if (demand->level == TLS_VERIFY && demand->n_names == 0)
        return false;
    if (demand->level != TLS_DANE && demand->sni.len &&
        (!to_cstr(demand->sni, sni) || SSL_set_tlsext_host_name(ssl, sni) != 1))
        return false;
    return set_names(ssl, demand);
}

SSL *tls_client_open(struct tls_client *client, const struct tls_demand *demand, char *why,
                     size_t why_size)
{
    SSL *ssl;

    ERR_clear_error();
    ssl = SSL_new(client->ssl);
    if (ssl && set_demand(ssl, demand)) {
        SSL_set_connect_state(ssl);
        resume(client, demand, ssl);
        return ssl;
    }
    tls_error_take(why, why_size, "what is demanded cannot be verified");
    SSL_free(ssl);
    return NULL;
}
