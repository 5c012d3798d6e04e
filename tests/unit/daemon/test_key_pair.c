#include "daemon/key_pair.h"

#include "../tls_support.h"
#include "base/buf.h"
#include "base/clock.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

static struct test_identity root, middle, ec, rsa;

static int make_identities(void **state)
{
    (void)state;
    test_identity_make(&root, &(struct test_certificate){.common_name = "root", .ca = true});
    test_identity_make(
        &middle, &(struct test_certificate){.common_name = "middle", .ca = true, .issuer = &root});
    test_identity_make(&ec, &(struct test_certificate){.common_name = "mx.example.org",
                                                       .names = "DNS:MX.example.org,DNS:*.example."
                                                                "net,IP:192.0.2.1,email:a@b.c",
                                                       .issuer = &middle});
    test_identity_make(&rsa, &(struct test_certificate){.key = KEY_RSA, .common_name = "rsa"});
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    test_identity_done(&root);
    test_identity_done(&middle);
    test_identity_done(&ec);
    test_identity_done(&rsa);
    return 0;
}

static struct slice join(struct arena *arena, struct slice a, struct slice b, struct slice c)
{
    return arena_printf(arena, "%.*s%.*s%.*s", SLICE_ARG(a), SLICE_ARG(b), SLICE_ARG(c));
}

static void assert_slice(struct slice got, const char *want)
{
    if (!slice_eq(got, slice_from_cstr(want)))
        fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void test_good_pairs_tell_what_they_are(void **state)
{
    char why[KEY_PAIR_WHY_SIZE];
    uint64_t now = clock_wall_ms(), day = UINT64_C(86400000);
    struct key_pair pair;
    struct arena arena;
    struct slice chain;

    (void)state;
    arena_init(&arena);
    chain = join(&arena, ec.chain_pem, middle.chain_pem, root.chain_pem);
    assert_int_equal(key_pair_read(chain, ec.key_pem, &arena, &pair, why), 0);
    assert_slice(pair.kind, "ECDSA P-256");
    assert_int_equal(pair.n_hosts, 2);
    assert_slice(pair.hosts[0], "mx.example.org");
    assert_slice(pair.hosts[1], "*.example.net");
    assert_true(pair.not_before < now && pair.not_before > now - 11 * day);
    assert_true(pair.not_after > now + 29 * day && pair.not_after < now + 31 * day);
    assert_int_equal(key_pair_read(rsa.chain_pem, rsa.key_pem, &arena, &pair, why), 0);
    assert_slice(pair.kind, "RSA 2048");
    assert_int_equal(pair.n_hosts, 0);
    /* Key and certificates in one file, as other servers want it. */
    chain = join(&arena, ec.key_pem, ec.chain_pem, SLICE(""));
    assert_int_equal(key_pair_read(chain, chain, &arena, &pair, why), 0);
    arena_done(&arena);
}

/* PEM of a key that other functions do not make: locked, or short. */
static struct slice key_text(struct arena *arena, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char word[] = "secret";
    struct slice text;
    char *bytes;
    long len;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, cipher, word, 6, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &bytes);
    text = arena_dup(arena, slice_from(bytes, (size_t)len));
    BIO_free(bio);
    return text;
}

static struct slice cut(struct slice text)
{
    return slice_sub(text, 0, text.len / 2);
}

static void test_what_is_wrong_is_said(void **state)
{
    struct arena arena;
    struct slice locked, chain = SLICE("");
    char why[KEY_PAIR_WHY_SIZE];
    struct key_pair pair;

    (void)state;
    arena_init(&arena);
    locked = key_text(&arena, ec.key, EVP_aes_128_cbc());
    for (unsigned i = 0; i < KEY_PAIR_CHAIN_MAX + 1; i++)
        chain = join(&arena, chain, ec.chain_pem, SLICE(""));
    const struct {
        struct slice chain, key;
        const char *want;
    } cases[] = {
        {SLICE_NULL, ec.key_pem, "there is no certificate in it"},
        {ec.key_pem, ec.key_pem, "there is no certificate in it"},
        {cut(ec.chain_pem), ec.key_pem, "cannot be read"},
        {join(&arena, ec.chain_pem, cut(middle.chain_pem), SLICE("")), ec.key_pem,
         "a certificate in it cannot be read"},
        {chain, ec.key_pem, "too many"},
        {ec.chain_pem, SLICE_NULL, "there is no private key in it"},
        {ec.chain_pem, ec.chain_pem, "there is no private key in it"},
        {ec.chain_pem, locked, "take it off: openssl pkey"},
        {ec.chain_pem, rsa.key_pem, "does not belong to the first certificate"},
        {join(&arena, middle.chain_pem, ec.chain_pem, SLICE("")), ec.key_pem,
         "does not belong to the first certificate"},
        {join(&arena, ec.chain_pem, root.chain_pem, middle.chain_pem), ec.key_pem,
         "certificate 2 in it did not issue certificate 1"},
        {join(&arena, ec.chain_pem, middle.chain_pem, rsa.chain_pem), ec.key_pem,
         "certificate 3 in it did not issue certificate 2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(key_pair_read(cases[i].chain, cases[i].key, &arena, &pair, why), -EINVAL);
        if (!strstr(why, cases[i].want))
            fail_msg("case %zu: %s", i, why);
    }
    arena_done(&arena);
}

/* The verdict on a certificate with this key, signed by it. Takes the key over. */
static int judge(EVP_PKEY *key, char why[KEY_PAIR_WHY_SIZE])
{
    X509 *certificate = X509_dup(rsa.certificate);
    BIO *bio = BIO_new(BIO_s_mem());
    struct key_pair pair;
    struct arena arena;
    char *bytes;
    long len;
    int r;

    assert_non_null(key);
    arena_init(&arena);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    len = BIO_get_mem_data(bio, &bytes);
    r = key_pair_read(slice_from(bytes, (size_t)len), key_text(&arena, key, NULL), &arena, &pair,
                      why);
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    arena_done(&arena);
    return r;
}

static void test_keys_that_no_client_would_take_are_refused(void **state)
{
    static const struct {
        const char *curve, *why; /* why: "" for a good one */
    } cases[] = {
        {"P-256", ""},
        {"P-384", ""},
        {"P-521", ""},
        {"secp256k1", "do not know its curve (secp256k1)"},
        {"brainpoolP256r1", "do not know its curve (brainpoolP256r1)"},
    };
    char why[KEY_PAIR_WHY_SIZE] = "";

    (void)state;
    assert_int_equal(judge(EVP_RSA_gen(1024), why), -EINVAL);
    assert_non_null(strstr(why, "1024 bits of RSA are too few"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        why[0] = '\0';
        assert_int_equal(judge(EVP_EC_gen(cases[i].curve), why), *cases[i].why ? -EINVAL : 0);
        if (!strstr(why, cases[i].why))
            fail_msg("%s: got '%s'", cases[i].curve, why);
    }
}

static void test_files_of_cas(void **state)
{
    char why[KEY_PAIR_WHY_SIZE];
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(
        key_pair_check_cas(join(&arena, root.chain_pem, middle.chain_pem, SLICE("")), why), 0);
    assert_int_equal(key_pair_check_cas(SLICE("nothing"), why), -EINVAL);
    assert_non_null(strstr(why, "there is no certificate in it"));
    assert_int_equal(
        key_pair_check_cas(join(&arena, root.chain_pem, cut(middle.chain_pem), SLICE("")), why),
        -EINVAL);
    assert_non_null(strstr(why, "cannot be read"));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_pairs_tell_what_they_are),
        cmocka_unit_test(test_what_is_wrong_is_said),
        cmocka_unit_test(test_keys_that_no_client_would_take_are_refused),
        cmocka_unit_test(test_files_of_cas),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
