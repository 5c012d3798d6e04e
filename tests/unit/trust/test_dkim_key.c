#include "trust/dkim_key.h"

#include "mail/encoding.h"
#include "trust/dkim.h"
#include "trust/dkim_key_memory.h"

#include "../cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string.h>

static EVP_PKEY *load(const char *data, size_t len)
{
    const struct dkim_key key = {.kind = DKIM_KEY_RSA, .data = slice_from(data, len)};

    return dkim_key_load(&key);
}

/* Both forms of RSA keys are the same key; a byte more or less is none. */
static void test_forms_of_rsa(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(1024), *loaded;
    unsigned char *framed = NULL, *bare = NULL;
    int framed_len = i2d_PUBKEY(key, &framed), bare_len = i2d_PublicKey(key, &bare);

    (void)state;
    loaded = load((const char *)framed, (size_t)framed_len);
    assert_int_equal(EVP_PKEY_eq(key, loaded), 1);
    EVP_PKEY_free(loaded);
    loaded = load((const char *)bare, (size_t)bare_len);
    assert_int_equal(EVP_PKEY_eq(key, loaded), 1);
    EVP_PKEY_free(loaded);
    for (int len = 0; len < bare_len; len++)
        assert_null(load((const char *)bare, (size_t)len));
    for (int len = 0; len < framed_len; len++)
        assert_null(load((const char *)framed, (size_t)len));
    framed = OPENSSL_realloc(framed, (size_t)framed_len + 1);
    framed[framed_len] = 0;
    assert_null(load((const char *)framed, (size_t)framed_len + 1));
    OPENSSL_free(framed);
    OPENSSL_free(bare);
    EVP_PKEY_free(key);
}

/* SEQUENCE { INTEGER n, INTEGER e }: what is refused before OpenSSL sees it. */
static void test_odd_numbers(void **state)
{
    static const struct {
        size_t modulus;       /* bytes, with the zero in front */
        unsigned char last;   /* of the modulus */
        const char *exponent; /* its INTEGER */
        size_t exponent_len;
        bool good;
    } cases[] = {
        {129, 0xff, "\x02\x03\x01\x00\x01", 5, true},
        {129, 0xff, "\x02\x01\x03", 3, true},
        {129, 0xfe, "\x02\x01\x03", 3, false},
        {129, 0xff, "\x02\x01\x01", 3, false},
        {129, 0xff, "\x02\x01\x02", 3, false},
        {129, 0xff, "\x02\x00", 2, false},
        {129, 0xff, "\x02\x01\x83", 3, false},
        {129, 0xff, "\x02\x02\x00\x03", 4, false},
        {129, 0xff, "\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x01", 11, false},
        {17, 0xff, "\x02\x01\x03", 3, false},
        {1025, 0xff, "\x02\x01\x03", 3, true},
        {1026, 0xff, "\x02\x01\x03", 3, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t inside = 4 + cases[i].modulus + cases[i].exponent_len;
        struct buf der;
        EVP_PKEY *loaded;
        if (cases[i].modulus < 256)
            inside -= cases[i].modulus < 128 ? 2 : 1;
        buf_init(&der, 4096);
        buf_add_char(&der, 0x30);
        if (inside >= 256) {
            buf_add_char(&der, (char)0x82);
            buf_add_char(&der, (char)(inside >> 8));
        } else if (inside >= 128) {
            buf_add_char(&der, (char)0x81);
        }
        buf_add_char(&der, (char)(inside & 255));
        buf_add_char(&der, 0x02);
        if (cases[i].modulus >= 256) {
            buf_add_char(&der, (char)0x82);
            buf_add_char(&der, (char)(cases[i].modulus >> 8));
        } else if (cases[i].modulus >= 128) {
            buf_add_char(&der, (char)0x81);
        }
        buf_add_char(&der, (char)(cases[i].modulus & 255));
        buf_add_char(&der, 0);
        for (size_t n = 2; n < cases[i].modulus; n++)
            buf_add_char(&der, (char)0xc5);
        buf_add_char(&der, (char)cases[i].last);
        buf_add(&der, cases[i].exponent, cases[i].exponent_len);
        loaded = load(der.ptr, der.len);
        if (!loaded == cases[i].good)
            fail_msg("%zu", i);
        EVP_PKEY_free(loaded);
        buf_done(&der);
    }
}

static void test_ed25519(void **state)
{
    static const char bytes[33] = "\x01\x02\x03";
    struct dkim_key key = {.kind = DKIM_KEY_ED25519, .data = slice_from(bytes, 32)};
    EVP_PKEY *loaded = dkim_key_load(&key);

    (void)state;
    assert_non_null(loaded);
    EVP_PKEY_free(loaded);
    key.data.len = 31;
    assert_null(dkim_key_load(&key));
    key.data.len = 33;
    assert_null(dkim_key_load(&key));
}

static void test_matches(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(1024), *other = EVP_RSA_gen(1024);
    struct buf ours, theirs, bare;
    unsigned char *der = NULL;
    int len = i2d_PublicKey(key, &der);

    (void)state;
    buf_init(&ours, 4096);
    buf_init(&theirs, 4096);
    buf_init(&bare, 4096);
    assert_true(dkim_key_write(&ours, key));
    assert_true(dkim_key_write(&theirs, other));
    assert_true(dkim_key_matches(buf_slice(&ours), buf_slice(&ours)));
    assert_false(dkim_key_matches(buf_slice(&theirs), buf_slice(&ours)));
    assert_false(dkim_key_matches(SLICE("v=DKIM1; p="), buf_slice(&ours)));
    assert_false(dkim_key_matches(SLICE("nonsense"), buf_slice(&ours)));
    buf_add_cstr(&bare, "t=s; n=another spelling; p=");
    base64_encode_line(&bare, slice_from(der, (size_t)len));
    assert_true(dkim_key_matches(buf_slice(&bare), buf_slice(&ours)));
    OPENSSL_free(der);
    buf_done(&ours);
    buf_done(&theirs);
    buf_done(&bare);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

/* What is recalled is the key that was asked for, however many drive each other out. */
static void test_memory(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned char bytes[32] = {(unsigned char)round, (unsigned char)((round % 700) >> 8)};
        unsigned char found[32];
        size_t len = sizeof(found);
        const struct dkim_key key = {.kind = DKIM_KEY_ED25519, .data = slice_from(bytes, 32)};
        EVP_PKEY *recalled = dkim_key_recall(&key);
        assert_int_equal(EVP_PKEY_get_raw_public_key(recalled, found, &len), 1);
        assert_memory_equal(found, bytes, 32);
        EVP_PKEY_free(recalled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_rsa), cmocka_unit_test(test_odd_numbers),
        cmocka_unit_test(test_ed25519),      cmocka_unit_test(test_matches),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
