/*
 * Contexts: one for each listener with client CAs, and one for all others. See tls_server.h.
 *
 * TLS 1.2 with ECDHE and AEAD ciphers, and TLS 1.3. What the system's openssl.cnf says is not read:
 * what we speak is ours to decide and to document, and the role could not read it anyway. No
 * compression, no renegotiation, no early data (a repeat of which would be a second message), no
 * session cache: tickets do what a cache did and need no memory.
 *
 * A session's ticket is bound to its listener and to the client CAs that were in force: elsewhere
 * it does not resume anything, so what it says of the client's certificate is as good as a new
 * handshake. An expired certificate in a ticket does not resume either.
 */
#include "io/tls_server.h"

#include "base/clock.h"
#include "io/tls_error.h"
#include "io/tls_identity.h"
#include "io/tls_tickets.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CIPHERS_1_2                                                                                \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                   \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
#define GROUPS "X25519:P-256:P-384"

enum { SECURITY_LEVEL = 2, ID_BYTES = 32 };

struct context {
    SSL_CTX *ssl;
    struct slice listener;          /* empty: all without one of their own */
    unsigned char cas_id[ID_BYTES]; /* digest of the client CAs, or zeros */
};

struct tls_server {
    atomic_uint references;
    struct arena arena;
    struct tls_identities *identities;
    struct context *contexts; /* the first is for listeners without client CAs */
    uint32_t n_contexts;
};

static bool digest(struct slice bytes, unsigned char *ret_id)
{
    return EVP_Digest(bytes.ptr, bytes.len, ret_id, NULL, EVP_sha256(), NULL) == 1;
}

/* ---- what clients ask for ------------------------------------------------------------------- */

/* An unknown name is not worth an alert (RFC 6066 section 3 leaves it open): mail servers are asked
 * for by all kinds of names. It is only not acknowledged. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct tls_server *server = arg;
    struct slice host = slice_from_cstr(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

    (void)alert;
    return tls_identities_has_host(server->identities, host) ? SSL_TLSEXT_ERR_OK
                                                             : SSL_TLSEXT_ERR_NOACK;
}

static int on_certificate(SSL *ssl, void *arg)
{
    const struct tls_server *server = arg;
    struct slice host = slice_from_cstr(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

    return tls_identities_use_host(server->identities, host, ssl);
}

static int on_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
                   const unsigned char *offered, unsigned offered_len, void *arg)
{
    static const unsigned char ours[] = "\x04smtp";
    unsigned char *chosen;

    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours) - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Verification as always, but where a certificate is only asked for, one that does not verify ends
 * nothing: its error stays in the session, and who wants the certificate looks there. */
static int on_verify(X509_STORE_CTX *chain, void *arg)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    bool required = SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

    (void)arg;
    return X509_verify_cert(chain) == 1 || !required;
}

/* ---- tickets -------------------------------------------------------------------------------- */

static bool key_ticket(const struct tls_ticket_key *key, const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal)
{
    unsigned char secret[TLS_TICKET_SECRET_BYTES];
    char sha256[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof(secret)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0), OSSL_PARAM_END};
    bool good;

    memcpy(secret, key->mac, sizeof(secret));
    good = EVP_MAC_CTX_set_params(mac, params) == 1 &&
           EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seal) == 1;
    OPENSSL_cleanse(secret, sizeof(secret));
    return good;
}

/* -1: failure; 0: no ticket, a full handshake instead; 1: good; 2: good, and the client should have
 * a new one: in TLS 1.3 it uses each ticket once (RFC 8446 appendix C.4). */
static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac, int seal)
{
    struct tls_ticket_key key;
    bool old = false, good;

    if (seal) {
        good = tls_tickets_seal_key(clock_mono_ms(), &key) &&
               RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1;
        if (good)
            memcpy(name, key.name, sizeof(key.name));
    } else {
        good = tls_tickets_open_key(name, clock_mono_ms(), &key, &old);
    }
    if (!good)
        return 0;
    good = key_ticket(&key, iv, cipher, mac, seal);
    OPENSSL_cleanse(&key, sizeof(key));
    if (!good)
        return -1;
    return !seal && (old || SSL_version(ssl) >= TLS1_3_VERSION) ? 2 : 1;
}

static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                          size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
    const X509 *peer = session ? SSL_SESSION_get0_peer(session) : NULL;

    (void)ssl, (void)name, (void)name_len, (void)arg;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (peer && X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- contexts ------------------------------------------------------------------------------- */

static void set_callbacks(SSL_CTX *ssl, struct tls_server *server)
{
    SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ssl, server);
    SSL_CTX_set_cert_cb(ssl, on_certificate, server);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, on_verify, NULL);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket_key);
    SSL_CTX_set_session_ticket_cb(ssl, NULL, on_ticket_opened, NULL);
}

static SSL_CTX *make_context(struct tls_server *server, const struct tls_rules *rules)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

    if (!ssl)
        return NULL;
    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ssl, TLS_TICKET_SECONDS);
    SSL_CTX_set_num_tickets(ssl, 1);
    set_callbacks(ssl, server);
    if (SSL_CTX_set_min_proto_version(ssl, rules->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) &&
        SSL_CTX_set_cipher_list(ssl, CIPHERS_1_2) && SSL_CTX_set1_groups_list(ssl, GROUPS))
        return ssl;
    SSL_CTX_free(ssl);
    return NULL;
}

/* A CA of the file may be an intermediate one: then it is trusted by itself. */
static bool add_client_cas(SSL_CTX *ssl, struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    bool good = bio != NULL;
    unsigned count = 0;
    X509 *ca;

    while (good && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        good = X509_STORE_add_cert(store, ca) == 1 && SSL_CTX_add_client_CA(ssl, ca) == 1;
        X509_free(ca);
        count++;
    }
    BIO_free(bio);
    if (!good || count == 0)
        return false;
    ERR_clear_error();
    return X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static int add_context(struct tls_server *server, const struct tls_rules *rules,
                       const struct tls_client_ca *cas, char *why, size_t why_size)
{
    struct context *context = &server->contexts[server->n_contexts];
    char reason[128];

    ERR_clear_error();
    context->ssl = make_context(server, rules);
    if (!context->ssl) {
        tls_error_take(why, why_size, "out of memory");
        return -EINVAL;
    }
    server->n_contexts++;
    if (cas && (!digest(cas->cas, context->cas_id) || !add_client_cas(context->ssl, cas->cas))) {
        tls_error_take(reason, sizeof(reason), "no certificates in it");
        snprintf(why, why_size, "client CAs of listener %.*s: %s", SLICE_ARG(cas->listener),
                 reason);
        return -EINVAL;
    }
    if (cas)
        context->listener = arena_dup(&server->arena, cas->listener);
    return tls_identities_use_default(server->identities, context->ssl, why, why_size);
}

int tls_server_new(const struct tls_material *material, const struct tls_rules *rules,
                   struct tls_server **ret_server, char *why, size_t why_size)
{
    struct tls_server *server;
    int r = -EINVAL;

    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    if (material->n_pairs == 0) {
        snprintf(why, why_size, "there is no certificate");
        return -EINVAL;
    }
    server = xcalloc(1, sizeof(*server));
    server->references = 1;
    arena_init(&server->arena);
    server->identities = tls_identities_new(material, why, why_size);
    server->contexts =
        arena_alloc(&server->arena, (material->n_client_cas + 1) * sizeof(*server->contexts));
    if (server->identities)
        r = add_context(server, rules, NULL, why, why_size);
    for (uint32_t i = 0; i < material->n_client_cas && r == 0; i++)
        r = add_context(server, rules, &material->client_cas[i], why, why_size);
    if (r == 0)
        *ret_server = server;
    else
        tls_server_unref(server);
    return r;
}

struct tls_server *tls_server_ref(struct tls_server *server)
{
    atomic_fetch_add(&server->references, 1);
    return server;
}

void tls_server_unref(struct tls_server *server)
{
    if (!server || atomic_fetch_sub(&server->references, 1) > 1)
        return;
    for (uint32_t i = 0; i < server->n_contexts; i++)
        SSL_CTX_free(server->contexts[i].ssl);
    tls_identities_free(server->identities);
    arena_done(&server->arena);
    free(server);
}

/* ---- sessions ------------------------------------------------------------------------------- */

static const struct context *find_context(const struct tls_server *server, struct slice listener)
{
    for (uint32_t i = 1; i < server->n_contexts; i++) {
        if (slice_eq(server->contexts[i].listener, listener))
            return &server->contexts[i];
    }
    return &server->contexts[0];
}

/* What a ticket is bound to: the listener's name and its client CAs. */
static bool bind_session(SSL *ssl, const struct context *context, struct slice listener)
{
    unsigned char ids[2 * ID_BYTES], id[ID_BYTES];

    memcpy(ids + ID_BYTES, context->cas_id, ID_BYTES);
    return digest(listener, ids) && digest(slice_from(ids, sizeof(ids)), id) &&
           SSL_set_session_id_context(ssl, id, sizeof(id)) == 1;
}

SSL *tls_server_open(const struct tls_server *server, struct slice listener, bool ask_certificate,
                     bool require_certificate)
{
    const struct context *context = find_context(server, listener);
    SSL *ssl = SSL_new(context->ssl);
    int mode = SSL_VERIFY_NONE;

    if (!ssl)
        return NULL;
    if (ask_certificate)
        mode |= SSL_VERIFY_PEER;
    if (require_certificate)
        mode |= SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_set_verify(ssl, mode, NULL);
    SSL_set_accept_state(ssl);
    if (bind_session(ssl, context, listener))
        return ssl;
    SSL_free(ssl);
    return NULL;
}
