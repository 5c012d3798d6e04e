/*
 * Our verifier and signer behind a pipe, for compare.py: thousands of cases in one process.
 *
 *   "V SECONDS RECORD_LEN MESSAGE_LEN\n" record message   verifies; every key is this record.
 *        answers "COUNT\n" and for each signature "RESULT PROBLEM\n"
 *   "S KIND SECONDS DOMAIN SELECTOR KEY_LEN MESSAGE_LEN\n" key message   signs; the key is PEM.
 *        answers "FIELD_LEN\n" and the field; 0 when it cannot be signed
 *   "D KEY_LEN 32\n" key digest   answers "LEN\n" and the signature of a digest, bare
 *   "P KEY_LEN 0\n" key   answers "LEN\n" and the key's record
 */
#include "trust/dkim.h"
#include "trust/dkim_key.h"
#include "trust/dkim_sign.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool worked)
{
    if (!worked)
        abort();
}

static struct slice take_bytes(struct arena *arena, struct slice size)
{
    uint64_t len;
    char *to;

    must(slice_parse_u64(slice_trim(size), 1 << 28, &len));
    to = arena_alloc(arena, len + 1);
    must(fread(to, 1, len, stdin) == len);
    return slice_from(to, len);
}

static EVP_PKEY *read_key(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    must(key != NULL);
    BIO_free(bio);
    return key;
}

static int answer(void *arg, struct slice name, enum trust_type type,
                  const struct trust_answer **ret_answer)
{
    must(name.len && type == TRUST_TXT);
    *ret_answer = arg;
    return 0;
}

static void verify(struct arena *arena, struct slice seconds, struct slice record,
                   struct slice message)
{
    const struct trust_record records[] = {{.bytes = record}};
    struct trust_answer found = {.result = TRUST_FOUND, .records = records, .n_records = 1};
    const struct trust_names names = {.ask = answer, .arg = &found};
    struct dkim_verifier *verifier = dkim_verifier_new();
    struct dkim_verdict verdict;
    uint64_t now;

    must(slice_parse_u64(seconds, INT64_MAX, &now));
    dkim_verifier_feed(verifier, message);
    dkim_verifier_end(verifier);
    must(dkim_verifier_judge(verifier, &names, (int64_t)now, arena, &verdict) == 0);
    printf("%u\n", verdict.count);
    for (unsigned i = 0; i < verdict.count; i++)
        printf("%s %.*s\n", dkim_result_name(verdict.list[i].result),
               SLICE_ARG(verdict.list[i].problem));
    dkim_verifier_free(verifier);
}

static struct slice sign_digest(struct arena *arena, EVP_PKEY *key, struct slice digest)
{
    const unsigned char *bytes = (const unsigned char *)digest.ptr;
    unsigned char *signature = arena_alloc(arena, 2048);
    size_t len = 2048;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        must(EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1);
        must(EVP_DigestSign(context, signature, &len, bytes, digest.len) == 1);
        EVP_MD_CTX_free(context);
    } else {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        must(EVP_PKEY_sign_init(context) == 1);
        must(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1);
        must(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1);
        must(EVP_PKEY_sign(context, signature, &len, bytes, digest.len) == 1);
        EVP_PKEY_CTX_free(context);
    }
    return slice_from(signature, len);
}

static void say_bytes(struct slice bytes)
{
    printf("%zu\n", bytes.len);
    fwrite(bytes.ptr, 1, bytes.len, stdout);
}

static void sign(struct arena *arena, const struct dkim_signing *signing, struct slice pem,
                 struct slice message)
{
    struct dkim_signer *signer = dkim_signer_new();
    uint8_t digest[DKIM_DIGEST];
    EVP_PKEY *key = read_key(pem);
    struct buf field;

    buf_init(&field, 1 << 20);
    dkim_signer_feed(signer, message);
    if (dkim_signer_end(signer)) {
        dkim_signer_field(signer, signing, &field, digest);
        dkim_signer_finish(&field, sign_digest(arena, key, slice_from(digest, sizeof(digest))));
    }
    say_bytes(buf_slice(&field));
    buf_done(&field);
    EVP_PKEY_free(key);
    dkim_signer_free(signer);
}

static void sign_command(struct arena *arena, struct slice rest)
{
    struct dkim_signing signing = {.kind = DKIM_KEY_RSA};
    uint64_t seconds;
    struct slice key;

    if (slice_eq(slice_cut(&rest, ' '), SLICE("ed25519")))
        signing.kind = DKIM_KEY_ED25519;
    must(slice_parse_u64(slice_cut(&rest, ' '), INT64_MAX, &seconds));
    signing.seconds = (int64_t)seconds;
    signing.domain = slice_cut(&rest, ' ');
    signing.selector = slice_cut(&rest, ' ');
    key = take_bytes(arena, slice_cut(&rest, ' '));
    sign(arena, &signing, key, take_bytes(arena, rest));
}

static void key_command(struct arena *arena, bool is_digest, struct slice rest)
{
    EVP_PKEY *key = read_key(take_bytes(arena, slice_cut(&rest, ' ')));
    struct slice digest = take_bytes(arena, rest);
    struct buf record;

    buf_init(&record, 1 << 16);
    if (is_digest)
        say_bytes(sign_digest(arena, key, digest));
    else if (dkim_key_write(&record, key))
        say_bytes(buf_slice(&record));
    buf_done(&record);
    EVP_PKEY_free(key);
}

int main(void)
{
    char line[1024];
    struct arena arena;

    arena_init(&arena);
    while (fgets(line, sizeof(line), stdin)) {
        struct slice rest = slice_from_cstr(line);
        struct slice verb = slice_cut(&rest, ' ');
        if (slice_eq(verb, SLICE("V"))) {
            struct slice seconds = slice_cut(&rest, ' ');
            struct slice record = take_bytes(&arena, slice_cut(&rest, ' '));
            verify(&arena, seconds, record, take_bytes(&arena, rest));
        } else if (slice_eq(verb, SLICE("S"))) {
            sign_command(&arena, rest);
        } else {
            key_command(&arena, slice_eq(verb, SLICE("D")), rest);
        }
        fflush(stdout);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return 0;
}
