/*
 * Reading and checking a certificate chain with its key. See key_pair.h.
 *
 * The checks are those whose failure a client would see, or the server's first handshake: the key
 * is there, not encrypted, and belongs to the first certificate; each further certificate is the
 * issuer of the one before. Whether anybody trusts the last one is not asked: a CA of one's own is
 * as good here as a public one.
 */
#include "daemon/key_pair.h"

#include "io/tls_material.h"

#include <errno.h>
#include <stdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

enum { RSA_BITS_MIN = 2048 };

struct chain {
    X509 *list[KEY_PAIR_CHAIN_MAX];
    unsigned count;
};

static int fail(char why[KEY_PAIR_WHY_SIZE], const char *text)
{
    snprintf(why, KEY_PAIR_WHY_SIZE, "%s", text);
    ERR_clear_error();
    return -EINVAL;
}

static void free_chain(struct chain *chain)
{
    for (unsigned i = 0; i < chain->count; i++)
        X509_free(chain->list[i]);
}

static BIO *open_text(struct slice text)
{
    return text.len && text.len < INT32_MAX ? BIO_new_mem_buf(text.ptr, (int)text.len) : NULL;
}

static int read_chain(struct slice text, struct chain *chain, char why[KEY_PAIR_WHY_SIZE])
{
    BIO *bio = open_text(text);
    X509 *certificate = NULL;

    while (bio && chain->count < KEY_PAIR_CHAIN_MAX &&
           (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        chain->list[chain->count++] = certificate;
    BIO_free(bio);
    /* The end of a PEM file is an error to OpenSSL: no further beginning. Another one is ours. */
    if (!certificate && bio && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return fail(why, "chain: a certificate in it cannot be read");
    ERR_clear_error();
    if (chain->count == 0)
        return fail(why, "chain: there is no certificate in it; it is a PEM file that begins with "
                         "-----BEGIN CERTIFICATE-----");
    if (certificate && chain->count == KEY_PAIR_CHAIN_MAX)
        return fail(why, "chain: there are too many certificates in it; it holds the server's own "
                         "and those that lead to its CA");
    return 0;
}

/* Asked for a passphrase: there is none. */
static int on_passphrase(char *buf, int size, int writing, void *arg)
{
    bool *asked = arg;

    (void)buf, (void)size, (void)writing;
    *asked = true;
    return -1;
}

static int read_key(struct slice text, EVP_PKEY **ret_key, char why[KEY_PAIR_WHY_SIZE])
{
    bool encrypted = false;
    BIO *bio = open_text(text);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &encrypted) : NULL;

    BIO_free(bio);
    if (!key && encrypted)
        return fail(why, "key: it is encrypted, and nobody is there to type a passphrase; take it "
                         "off: openssl pkey -in FILE -out NEWFILE");
    if (!key)
        return fail(why, "key: there is no private key in it; it is a PEM file that begins with "
                         "-----BEGIN PRIVATE KEY-----");
    *ret_key = key;
    return 0;
}

static int check_order(const struct chain *chain, char why[KEY_PAIR_WHY_SIZE])
{
    for (unsigned i = 1; i < chain->count; i++) {
        if (X509_check_issued(chain->list[i], chain->list[i - 1]) == X509_V_OK)
            continue;
        snprintf(why, KEY_PAIR_WHY_SIZE,
                 "chain: certificate %u in it did not issue certificate %u; the server's own comes "
                 "first, then the one that issued it, and so on",
                 i + 1, i);
        return -EINVAL;
    }
    return 0;
}

static int check_size(const EVP_PKEY *key, char why[KEY_PAIR_WHY_SIZE])
{
    if (EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
        return 0;
    snprintf(why, KEY_PAIR_WHY_SIZE, "key: %d bits of RSA are too few today; it takes %d",
             EVP_PKEY_get_bits(key), RSA_BITS_MIN);
    return -EINVAL;
}

static int curve_of(const EVP_PKEY *key)
{
    char group[64] = "";
    size_t len;

    (void)EVP_PKEY_get_group_name(key, group, sizeof(group), &len);
    return OBJ_txt2nid(group);
}

/* The curves that TLS 1.3 signs with (RFC 8446 section 4.2.3). With another one OpenSSL takes the
 * pair, and refuses every client. */
static int check_curve(const EVP_PKEY *key, char why[KEY_PAIR_WHY_SIZE])
{
    int curve = curve_of(key);

    if (curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1)
        return 0;
    snprintf(why, KEY_PAIR_WHY_SIZE,
             "key: TLS clients do not know its curve (%s); it takes P-256, P-384 or P-521",
             curve == NID_undef ? "unnamed" : OBJ_nid2sn(curve));
    return -EINVAL;
}

static int check_kind(const EVP_PKEY *key, char why[KEY_PAIR_WHY_SIZE])
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return check_size(key, why);
    case EVP_PKEY_EC:
        return check_curve(key, why);
    default:
        return 0;
    }
}

static struct slice describe_kind(EVP_PKEY *key, struct arena *arena)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return arena_printf(arena, "RSA %d", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC:
        return arena_printf(arena, "ECDSA %s", EC_curve_nid2nist(curve_of(key)));
    default:
        return arena_printf(arena, "%s", OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
    }
}

static uint64_t to_ms(const ASN1_TIME *time)
{
    struct tm tm;
    time_t seconds;

    if (!ASN1_TIME_to_tm(time, &tm))
        return 0;
    seconds = timegm(&tm);
    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

static void add_host(const ASN1_IA5STRING *name, struct arena *arena, struct key_pair *pair)
{
    struct slice host = slice_from(ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name));
    char *copy = arena_cstr(arena, host);

    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] <= ' ' || host.ptr[i] > '~')
            return; /* no name of a host */
        copy[i] = ascii_lower(copy[i]);
    }
    pair->hosts[pair->n_hosts++] = slice_from(copy, host.len);
}

static void read_hosts(const X509 *certificate, struct arena *arena, struct key_pair *pair)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = names ? sk_GENERAL_NAME_num(names) : 0;

    pair->hosts = arena_alloc(arena, (size_t)count * sizeof(*pair->hosts));
    for (int i = 0; i < count && pair->n_hosts < TLS_HOSTS_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_host(name->d.dNSName, arena, pair);
    }
    GENERAL_NAMES_free(names);
}

static int check_pair(const struct chain *chain, EVP_PKEY *key, struct arena *arena,
                      struct key_pair *ret_pair, char why[KEY_PAIR_WHY_SIZE])
{
    struct key_pair pair = {0};
    X509 *own = chain->list[0];
    int r;

    if (X509_check_private_key(own, key) != 1)
        return fail(why, "the key does not belong to the first certificate of the chain; both "
                         "files must be of the same renewal");
    r = check_order(chain, why);
    if (r == 0)
        r = check_kind(key, why);
    if (r < 0)
        return r;
    pair.kind = describe_kind(key, arena);
    pair.not_before = to_ms(X509_get0_notBefore(own));
    pair.not_after = to_ms(X509_get0_notAfter(own));
    read_hosts(own, arena, &pair);
    *ret_pair = pair;
    return 0;
}

int key_pair_read(struct slice chain_text, struct slice key_text, struct arena *arena,
                  struct key_pair *ret_pair, char why[KEY_PAIR_WHY_SIZE])
{
    struct chain chain = {.count = 0};
    EVP_PKEY *key = NULL;
    int r = read_chain(chain_text, &chain, why);

    if (r == 0)
        r = read_key(key_text, &key, why);
    if (r == 0)
        r = check_pair(&chain, key, arena, ret_pair, why);
    EVP_PKEY_free(key);
    free_chain(&chain);
    ERR_clear_error();
    return r;
}

int key_pair_check_cas(struct slice cas, char why[KEY_PAIR_WHY_SIZE])
{
    BIO *bio = open_text(cas);
    unsigned count = 0;
    X509 *certificate;

    while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        X509_free(certificate);
        count++;
    }
    BIO_free(bio);
    if (bio && count && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return fail(why, "a certificate in it cannot be read");
    ERR_clear_error();
    return count ? 0
                 : fail(why, "there is no certificate in it; it is a PEM file that begins with "
                             "-----BEGIN CERTIFICATE-----");
}
