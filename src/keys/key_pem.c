/*
 * Private keys: PEM and signatures, by OpenSSL. See key_pem.h.
 *
 * Which keys are taken is decided here: RSA of 1024 to 4096 bits (RFC 8301: less must not be
 * trusted, more need not be verifiable) and Ed25519 (RFC 8463). Others, and those that are locked
 * by a passphrase, which nobody could type in, are refused with what to do instead.
 */
#include "keys/key_pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

enum { DIGEST = 32 };

/* Instead of asking at a terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)arg = true;
    return -1;
}

static const char *judge(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    if (!EVP_PKEY_is_a(key, "RSA"))
        return "it is neither an RSA nor an Ed25519 key: make another one with nuncio dkim keygen";
    if (bits < KEY_BITS_MIN)
        return "an RSA key of less than 1024 bits is not trusted by anybody (RFC 8301): make "
               "another one with nuncio dkim keygen";
    if (bits > KEY_BITS_MAX)
        return "an RSA key of more than 4096 bits cannot be verified everywhere (RFC 8301): make "
               "another one with nuncio dkim keygen";
    return NULL;
}

EVP_PKEY *key_pem_read(struct slice pem, const char **ret_why)
{
    bool locked = false;
    BIO *bio = BIO_new_mem_buf(pem.ptr ? pem.ptr : "", (int)pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &locked) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (!key)
        *ret_why = locked ? "it is locked by a passphrase: take it off with openssl pkey -in FILE "
                            "-out FILE"
                          : "there is no private key in PEM form in it";
    else
        *ret_why = judge(key);
    if (key && *ret_why) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

bool key_pem_write(struct buf *out, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool good = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    char *text = NULL;
    long len = good ? BIO_get_mem_data(bio, &text) : 0;

    /* In one piece, so that no half of it stays behind where the buffer was before it grew. */
    if (good && len > 0)
        buf_add(out, text, (size_t)len);
    BIO_free(bio);
    ERR_clear_error();
    return good && len > 0 && !out->overflow;
}

void key_pem_wipe(struct buf *pem)
{
    if (pem->ptr)
        explicit_bzero(pem->ptr, pem->size);
    buf_done(pem);
}

enum dkim_key_kind key_kind(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;
}

unsigned key_bits(EVP_PKEY *key)
{
    return (unsigned)EVP_PKEY_get_bits(key);
}

EVP_PKEY *key_make(enum dkim_key_kind kind, unsigned bits)
{
    EVP_PKEY *key = kind == DKIM_KEY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits)
                                         : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    ERR_clear_error();
    return key;
}

static size_t sign_rsa(EVP_PKEY *key, struct slice digest, uint8_t *out)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t len = KEY_SIGNATURE_MAX;
    bool good = context && EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
                EVP_PKEY_sign(context, out, &len, (const uint8_t *)digest.ptr, digest.len) == 1;

    EVP_PKEY_CTX_free(context);
    return good ? len : 0;
}

static size_t sign_ed25519(EVP_PKEY *key, struct slice digest, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = KEY_SIGNATURE_MAX;
    bool good = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(context, out, &len, (const uint8_t *)digest.ptr, digest.len) == 1;

    EVP_MD_CTX_free(context);
    return good ? len : 0;
}

size_t key_sign(EVP_PKEY *key, struct slice digest, uint8_t ret_signature[KEY_SIGNATURE_MAX])
{
    size_t len = 0;

    if (digest.len == DIGEST)
        len = key_kind(key) == DKIM_KEY_RSA ? sign_rsa(key, digest, ret_signature)
                                            : sign_ed25519(key, digest, ret_signature);
    ERR_clear_error();
    return len;
}
