#include "trust/dkim_sign.h"

#include "trust/dkim.h"

#include "dkim_fake.h"

#include "../cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string.h>

/* What the keys role does: signs a digest. */
static struct slice sign_digest(EVP_PKEY *key, const uint8_t digest[DKIM_DIGEST],
                                unsigned char ret_signature[1024])
{
    size_t len = 1024;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
        assert_int_equal(EVP_DigestSign(context, ret_signature, &len, digest, DKIM_DIGEST), 1);
        EVP_MD_CTX_free(context);
    } else {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(context), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_sign(context, ret_signature, &len, digest, DKIM_DIGEST), 1);
        EVP_PKEY_CTX_free(context);
    }
    return slice_from(ret_signature, len);
}

static void sign(struct slice text, EVP_PKEY *key, const struct dkim_signing *signing,
                 struct buf *field)
{
    struct dkim_signer *signer = dkim_signer_new();
    unsigned char signature[1024];
    uint8_t digest[DKIM_DIGEST];

    for (size_t at = 0; at < text.len; at += 11)
        dkim_signer_feed(signer, slice_sub(text, at, 11));
    assert_true(dkim_signer_end(signer));
    dkim_signer_field(signer, signing, field, digest);
    dkim_signer_finish(field, sign_digest(key, digest, signature));
    dkim_signer_free(signer);
}

/* The result of the first signature in `field` and `text`, with `record` as its key. */
static enum dkim_result verify(struct slice field, struct slice text, struct slice record)
{
    const struct fake_record records[] = {{"sel._domainkey.example.org", record}};
    struct dkim_verifier *verifier = dkim_verifier_new();
    struct dkim_verdict verdict;
    enum dkim_result result;
    struct arena arena;
    struct fake_names fake = {.records = records, .n = 1, .arena = &arena};
    const struct trust_names names = {.ask = fake_ask, .arg = &fake};

    arena_init(&arena);
    dkim_verifier_feed(verifier, field);
    dkim_verifier_feed(verifier, text);
    dkim_verifier_end(verifier);
    assert_int_equal(dkim_verifier_judge(verifier, &names, 1700000000, &arena, &verdict), 0);
    result = verdict.list[0].result;
    if (result != DKIM_PASS)
        print_message("%.*s\n%.*s\n", SLICE_ARG(verdict.list[0].problem), SLICE_ARG(field));
    arena_done(&arena);
    dkim_verifier_free(verifier);
    return result;
}

static void test_what_we_sign_verifies(void **state)
{
    static const struct slice texts[] = {
        SLICE_INIT("From: a@example.org\r\n\r\nHello\r\n"),
        SLICE_INIT("From: a@example.org\r\nTo: b@example.org\r\n"),
        SLICE_INIT("From: a@example.org\r\n\r\n"),
        SLICE_INIT("Subject: x\r\n y\r\nfrom : \"Ä\" <a@example.org>\r\nTo: a@b.c\r\nTO: c@d.e\r\n"
                   "\r\n.\r\n  two  \t spaces \r\n\r\n\r\n"),
    };
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    struct buf record, field;

    (void)state;
    buf_init(&record, 4096);
    buf_init(&field, 1 << 20);
    for (unsigned k = 0; k < 2; k++) {
        struct dkim_signing signing = {.kind = k ? DKIM_KEY_ED25519 : DKIM_KEY_RSA,
                                       .domain = SLICE("example.org"),
                                       .selector = SLICE("sel"),
                                       .seconds = 1699999999};
        buf_reset(&record);
        assert_true(dkim_key_write(&record, keys[k]));
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            sign(texts[i], keys[k], &signing, &field);
            assert_int_equal(verify(buf_slice(&field), texts[i], buf_slice(&record)), DKIM_PASS);
        }
        EVP_PKEY_free(keys[k]);
    }
    buf_done(&record);
    buf_done(&field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_we_sign_verifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
