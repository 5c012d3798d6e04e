/*
 * What a finished handshake tells: version, cipher, names, the client's certificate, the channel
 * binding. Part of transport.h.
 *
 * A certificate counts when it was verified, in this handshake or in the one that this session
 * resumes. Strings with a NUL in them are not taken: they are made to be read as something else.
 */
#include "io/login_message.h"
#include "io/transport.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { NAME_MAX_BYTES = 255, EMAIL_MAX_BYTES = 320 };

static struct slice from_asn1(struct arena *arena, const ASN1_STRING *string, size_t max)
{
    struct slice bytes =
        slice_from(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));

    if (bytes.len > max || slice_find(bytes, '\0') >= 0)
        return SLICE_NULL;
    return arena_dup(arena, bytes);
}

static struct slice common_name(const X509 *certificate, struct arena *arena)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    struct slice name = SLICE_NULL, bytes;
    int len;

    if (index < 0)
        return SLICE_NULL;
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    if (len < 0)
        return SLICE_NULL;
    bytes = slice_from(utf8, (size_t)len);
    if (bytes.len <= NAME_MAX_BYTES && slice_find(bytes, '\0') < 0)
        name = arena_dup(arena, bytes);
    OPENSSL_free(utf8);
    return name;
}

static struct slice fingerprint(const X509 *certificate, struct arena *arena)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
        return SLICE_NULL;
    for (unsigned i = 0; i < len; i++) {
        text[2 * i] = hex[digest[i] >> 4];
        text[2 * i + 1] = hex[digest[i] & 15];
    }
    return arena_dup(arena, slice_from(text, 2 * (size_t)len));
}

static struct slice email_of(const GENERAL_NAME *name, struct arena *arena)
{
    const OTHERNAME *other = name->type == GEN_OTHERNAME ? name->d.otherName : NULL;

    if (name->type == GEN_EMAIL)
        return from_asn1(arena, name->d.rfc822Name, EMAIL_MAX_BYTES);
    if (other && OBJ_obj2nid(other->type_id) == NID_id_on_SmtpUTF8Mailbox &&
        other->value->type == V_ASN1_UTF8STRING)
        return from_asn1(arena, other->value->value.utf8string, EMAIL_MAX_BYTES);
    return SLICE_NULL;
}

static void add_emails(const X509 *certificate, struct arena *arena, struct tls_facts *facts)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = names ? sk_GENERAL_NAME_num(names) : 0;

    facts->peer_emails = arena_alloc(arena, SASL_CERT_EMAILS_MAX * sizeof(*facts->peer_emails));
    for (int i = 0; i < count && facts->n_peer_emails < SASL_CERT_EMAILS_MAX; i++) {
        struct slice email = email_of(sk_GENERAL_NAME_value(names, i), arena);
        if (email.len)
            facts->peer_emails[facts->n_peer_emails++] = email;
    }
    GENERAL_NAMES_free(names);
}

static void add_peer(const SSL *ssl, struct arena *arena, struct tls_facts *facts)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    long verdict = SSL_get_verify_result(ssl);

    if (!certificate)
        return;
    if (verdict != X509_V_OK) {
        facts->peer_refused = X509_verify_cert_error_string(verdict);
        return;
    }
    facts->peer = common_name(certificate, arena);
    facts->peer_fingerprint = fingerprint(certificate, arena);
    add_emails(certificate, arena, facts);
}

void transport_tls_facts(const struct transport *transport, struct arena *arena,
                         struct tls_facts *ret_facts)
{
    const SSL *ssl = transport->ssl;
    struct slice name = slice_from_cstr(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

    *ret_facts = (struct tls_facts){
        .version = SSL_get_version(ssl),
        .cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)),
        .resumed = SSL_session_reused(ssl),
    };
    if (name.len)
        ret_facts->server_name = arena_dup(arena, name);
    add_peer(ssl, arena, ret_facts);
}

bool transport_tls_binding(const struct transport *transport,
                           unsigned char ret_bytes[TLS_BINDING_BYTES])
{
    return transport->secure && !transport->broken && tls_binding_read(transport->ssl, ret_bytes);
}
