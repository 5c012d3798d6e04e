#include "keys/key_pem.h"

#include "../cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

static const char digest[33] = "0123456789abcdef0123456789abcdef";

/* As a verifier does it. */
static bool verifies(EVP_PKEY *key, const uint8_t *signature, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)digest;
    bool good;

    if (key_kind(key) == DKIM_KEY_ED25519) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        good = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestVerify(context, signature, len, bytes, 32) == 1;
        EVP_MD_CTX_free(context);
    } else {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        good = EVP_PKEY_verify_init(context) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
               EVP_PKEY_verify(context, signature, len, bytes, 32) == 1;
        EVP_PKEY_CTX_free(context);
    }
    return good;
}

static void test_a_key_comes_back_and_signs(void **state)
{
    static const enum dkim_key_kind kinds[] = {DKIM_KEY_RSA, DKIM_KEY_ED25519};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *made = key_make(kinds[i], 2048), *read;
        uint8_t signature[KEY_SIGNATURE_MAX];
        const char *why;
        struct buf pem;
        size_t len;
        assert_non_null(made);
        buf_init(&pem, KEY_PEM_MAX);
        assert_true(key_pem_write(&pem, made));
        read = key_pem_read(buf_slice(&pem), &why);
        assert_non_null(read);
        assert_int_equal(key_kind(read), kinds[i]);
        assert_true(EVP_PKEY_eq(made, read) == 1);
        len = key_sign(read, slice_from(digest, 32), signature);
        assert_int_equal(len, kinds[i] == DKIM_KEY_RSA ? 256 : 64);
        assert_true(verifies(made, signature, len));
        signature[5] ^= 1;
        assert_false(verifies(made, signature, len));
        assert_int_equal(key_sign(read, slice_from(digest, 31), signature), 0);
        key_pem_wipe(&pem);
        EVP_PKEY_free(made);
        EVP_PKEY_free(read);
    }
}

static void write_pem(struct buf *out, EVP_PKEY *key, bool locked)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, locked ? EVP_aes_128_cbc() : NULL,
                                                   locked ? "geheim" : NULL, locked ? 6 : 0, NULL,
                                                   NULL),
                     1);
    len = BIO_get_mem_data(bio, &text);
    buf_add(out, text, (size_t)len);
    BIO_free(bio);
}

/* Takes the key. */
static void assert_refused(EVP_PKEY *key, bool locked, const char *word)
{
    const char *why = NULL;
    struct buf pem;

    buf_init(&pem, KEY_PEM_MAX);
    write_pem(&pem, key, locked);
    assert_null(key_pem_read(buf_slice(&pem), &why));
    assert_non_null(strstr(why, word));
    buf_done(&pem);
    EVP_PKEY_free(key);
}

static void test_a_key_that_is_of_no_use_is_refused_with_its_reason(void **state)
{
    const char *why = NULL;

    (void)state;
    assert_refused(key_make(DKIM_KEY_RSA, 768), false, "less than 1024");
    assert_refused(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), false, "neither");
    assert_refused(key_make(DKIM_KEY_ED25519, 0), true, "passphrase");
    assert_null(key_pem_read(SLICE("-----BEGIN PRIVATE KEY-----\n"), &why));
    assert_non_null(strstr(why, "no private key"));
    assert_null(key_pem_read(SLICE_NULL, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_comes_back_and_signs),
        cmocka_unit_test(test_a_key_that_is_of_no_use_is_refused_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
