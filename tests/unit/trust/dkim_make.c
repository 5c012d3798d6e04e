#include "dkim_make.h"

#include "mail/encoding.h"
#include "trust/dkim_body.h"
#include "trust/dkim_fields.h"
#include "trust/dkim_hash.h"
#include "trust/dkim_stamp.h"

#include "../cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string.h>

struct slice dkim_make_signature(EVP_PKEY *key, const uint8_t digest[32],
                                 unsigned char ret_signature[1024])
{
    size_t len = 1024;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
        assert_int_equal(EVP_DigestSign(context, ret_signature, &len, digest, 32), 1);
        EVP_MD_CTX_free(context);
    } else {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(context), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_sign(context, ret_signature, &len, digest, 32), 1);
        EVP_PKEY_CTX_free(context);
    }
    return slice_from(ret_signature, len);
}

/* `text` with `mark` as `value`. */
static void fill(struct buf *out, const char *text, const char *mark, struct slice value)
{
    const char *at = strstr(text, mark);

    buf_reset(out);
    buf_add(out, text, at ? (size_t)(at - text) : strlen(text));
    if (at) {
        buf_add_slice(out, value);
        buf_add_cstr(out, at + strlen(mark));
    }
    buf_add_char(out, '\0');
}

static void hash_body(const struct dkim_stamp *stamp, struct slice message, uint8_t hash[DKIM_HASH])
{
    struct dkim_body *body = dkim_body_new();
    const uint8_t *found;

    dkim_body_want(body, stamp->body_canon, stamp->length);
    dkim_body_feed(body, slice_skip(message, header_section_size(message)));
    dkim_body_end(body);
    found = dkim_body_hash(body, stamp->body_canon, stamp->length);
    memset(hash, 0, DKIM_HASH);
    if (found)
        memcpy(hash, found, DKIM_HASH);
    dkim_body_free(body);
}

static void hash_header(const struct dkim_stamp *stamp, struct slice header, struct slice own,
                        uint8_t digest[DKIM_HASH])
{
    struct dkim_fields *fields = dkim_fields_new(header);
    struct buf text;

    buf_init(&text, 1 << 20);
    dkim_fields_select(fields, stamp->headers, DKIM_NO_FIELD, stamp->header_canon, &text);
    dkim_fields_add_self(stamp->header_canon, own, stamp->b_place, &text);
    dkim_hash_of(buf_slice(&text), digest);
    buf_done(&text);
    dkim_fields_free(fields);
}

void dkim_make(struct buf *out, const char *above, const char *field, const char *below,
               EVP_PKEY *key)
{
    struct header_iter iter;
    struct header_field own;
    struct dkim_stamp stamp;
    struct arena arena;
    struct buf with_hash, with_b, digits, others;
    unsigned char signature[1024];
    uint8_t hash[DKIM_HASH];

    arena_init(&arena);
    buf_init(&with_hash, 1 << 16);
    buf_init(&with_b, 1 << 16);
    buf_init(&digits, 4096);
    buf_init(&others, 1 << 20);
    buf_add_cstr(&others, above);
    buf_add_cstr(&others, below);

    fill(&with_b, field, "@B@", SLICE("AA=="));
    iter = header_iterate(slice_from_cstr(with_b.ptr));
    assert_true(header_next(&iter, &own));
    dkim_stamp_read(DKIM_FORM_SIGNATURE, own.value, &arena, &stamp);
    hash_body(&stamp, buf_slice(&others), hash);
    base64_encode_line(&digits, slice_from(hash, DKIM_HASH));
    fill(&with_hash, field, "@BH@", buf_slice(&digits));

    fill(&with_b, with_hash.ptr, "@B@", SLICE("AA=="));
    iter = header_iterate(slice_from_cstr(with_b.ptr));
    assert_true(header_next(&iter, &own));
    dkim_stamp_read(DKIM_FORM_SIGNATURE, own.value, &arena, &stamp);
    hash_header(&stamp, buf_slice(&others), own.raw, hash);
    buf_reset(&digits);
    base64_encode_line(&digits, dkim_make_signature(key, hash, signature));
    fill(&with_b, with_hash.ptr, "@B@", buf_slice(&digits));

    buf_reset(out);
    buf_add_cstr(out, above);
    buf_add_cstr(out, with_b.ptr);
    buf_add_cstr(out, below);
    buf_done(&with_hash);
    buf_done(&with_b);
    buf_done(&digits);
    buf_done(&others);
    arena_done(&arena);
}
