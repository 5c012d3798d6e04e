/*
 * Key records. See dkim_key.h.
 *
 * RFC 6376 section 6.1.2 says that malformed records MUST be ignored, so the grammar of tag lists
 * is kept to; v= must be DKIM1 and come first where it is there. Unknown tags, unknown elements of
 * lists, n= and the g= of RFC 4871 are passed over.
 *
 * p= of an RSA key is a SubjectPublicKeyInfo as everybody publishes it, or an RSAPublicKey as the
 * RFC says. The frame around the key is read here and not by OpenSSL: that would take any kind of
 * key (elliptic curves with parameters of the sender's choice among them), and take twenty times as
 * long. Ed25519 is 32 bytes without any frame (RFC 8463 section 4).
 */
#include "trust/dkim_key.h"

#include "mail/encoding.h"
#include "trust/dkim.h"
#include "trust/dkim_tags.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string.h>

enum {
    ED25519_BYTES = 32,
    RSA_EXPONENT_BYTES_MAX = 8, /* a long one is slow to verify with, and nobody has one */
    RSA_BITS_NO_KEY = 256,      /* below is no key at all */
};

/* ---- the record ----------------------------------------------------------------------------- */

static bool list_allows(const struct dkim_tags *tags, const char *name, struct slice element)
{
    const struct dkim_tag *tag = dkim_tags_find(tags, name);

    return !tag || dkim_list_has(tag->value, element);
}

static bool has_flag(const struct dkim_tags *tags, struct slice flag)
{
    const struct dkim_tag *tag = dkim_tags_find(tags, "t");

    return tag && dkim_list_has(tag->value, flag);
}

static const char *read_kind(const struct dkim_tags *tags, enum dkim_key_kind *ret_kind)
{
    const struct dkim_tag *tag = dkim_tags_find(tags, "k");

    *ret_kind = tag && slice_eq(tag->value, SLICE("ed25519")) ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;
    if (tag && *ret_kind == DKIM_KEY_RSA && !slice_eq(tag->value, SLICE("rsa")))
        return "the key is of an unknown kind (k=)";
    return NULL;
}

const char *dkim_key_read(struct slice record, struct arena *arena, struct dkim_key *ret_key)
{
    struct dkim_key key = {.kind = DKIM_KEY_RSA};
    struct dkim_tags tags;
    const char *wrong = dkim_tags_read(record, &tags);
    const struct dkim_tag *version, *data;

    if (wrong)
        return wrong;
    version = dkim_tags_find(&tags, "v");
    if (version && (version != tags.list || !slice_eq(version->value, SLICE("DKIM1"))))
        return "its version (v=) is not DKIM1, or does not come first";
    wrong = read_kind(&tags, &key.kind);
    if (wrong)
        return wrong;
    data = dkim_tags_find(&tags, "p");
    if (!data)
        return "it has no key (p=)";
    if (!dkim_base64(data->value, arena, &key.data))
        return "its key (p=) is not base64";
    key.sha1 = list_allows(&tags, "h", SLICE("sha1"));
    key.sha256 = list_allows(&tags, "h", SLICE("sha256"));
    key.email = list_allows(&tags, "s", SLICE("*")) || list_allows(&tags, "s", SLICE("email"));
    key.testing = has_flag(&tags, SLICE("y"));
    key.strict = has_flag(&tags, SLICE("s"));
    *ret_key = key;
    return NULL;
}

/* ---- the key -------------------------------------------------------------------------------- */

enum { DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_SEQUENCE = 0x30 };

/* Takes an element of this type off *rest; its content. Lengths up to 65535 in DER's one way. */
static bool der_take(struct slice *rest, unsigned char type, struct slice *ret_content)
{
    const unsigned char *bytes = (const unsigned char *)rest->ptr;
    size_t head = 2, len;

    if (rest->len < 2 || bytes[0] != type)
        return false;
    len = bytes[1];
    if (len == 0x81 && rest->len >= 3 && bytes[2] >= 0x80) {
        len = bytes[2];
        head = 3;
    } else if (len == 0x82 && rest->len >= 4 && bytes[2]) {
        len = (size_t)bytes[2] << 8 | bytes[3];
        head = 4;
    } else if (len >= 0x80) {
        return false;
    }
    if (len > rest->len - head)
        return false;
    *ret_content = slice_sub(*rest, head, len);
    *rest = slice_skip(*rest, head + len);
    return true;
}

/* A positive INTEGER without needless zeros; its bytes without the sign's. */
static bool der_take_number(struct slice *rest, struct slice *ret_number)
{
    struct slice number;

    if (!der_take(rest, DER_INTEGER, &number) || number.len == 0 || (number.ptr[0] & 0x80))
        return false;
    if (number.len > 1 && number.ptr[0] == 0) {
        number = slice_skip(number, 1);
        if (!(number.ptr[0] & 0x80))
            return false;
    }
    *ret_number = number;
    return true;
}

/* The RSAPublicKey in a SubjectPublicKeyInfo; what is none stays as it is. */
static struct slice without_frame(struct slice data)
{
    /* SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL } */
    static const char algorithm[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    struct slice rest = data, outer, inner, bits;

    if (der_take(&rest, DER_SEQUENCE, &outer) && rest.len == 0 &&
        der_take(&outer, DER_SEQUENCE, &inner) &&
        slice_eq(inner, slice_from(algorithm, sizeof(algorithm) - 1)) &&
        der_take(&outer, DER_BIT_STRING, &bits) && outer.len == 0 && bits.len > 1 &&
        bits.ptr[0] == 0)
        return slice_skip(bits, 1);
    return data;
}

static EVP_PKEY *load_rsa(struct slice data)
{
    struct slice key = without_frame(data), rest = key, numbers, modulus, exponent;
    const unsigned char *bytes = (const unsigned char *)key.ptr;

    if (!der_take(&rest, DER_SEQUENCE, &numbers) || rest.len != 0 ||
        !der_take_number(&numbers, &modulus) || !der_take_number(&numbers, &exponent) ||
        numbers.len != 0)
        return NULL;
    if (8 * modulus.len < RSA_BITS_NO_KEY || 8 * modulus.len > DKIM_RSA_BITS_MAX ||
        exponent.len > RSA_EXPONENT_BYTES_MAX)
        return NULL;
    /* Both are odd, or it is no RSA key. */
    if (!(modulus.ptr[modulus.len - 1] & 1) || !(exponent.ptr[exponent.len - 1] & 1) ||
        (exponent.len == 1 && exponent.ptr[0] == 1))
        return NULL;
    return d2i_PublicKey(EVP_PKEY_RSA, NULL, &bytes, (long)key.len);
}

EVP_PKEY *dkim_key_load(const struct dkim_key *key)
{
    EVP_PKEY *loaded;

    if (key->kind == DKIM_KEY_RSA)
        loaded = load_rsa(key->data);
    else if (key->data.len == ED25519_BYTES)
        loaded = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                             (const unsigned char *)key->data.ptr, ED25519_BYTES);
    else
        loaded = NULL;
    ERR_clear_error();
    return loaded;
}

/* ---- our own -------------------------------------------------------------------------------- */

bool dkim_key_write(struct buf *out, EVP_PKEY *key)
{
    unsigned char raw[ED25519_BYTES];
    unsigned char *der = NULL;
    size_t raw_len = sizeof(raw);
    int der_len;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        if (EVP_PKEY_get_raw_public_key(key, raw, &raw_len) != 1)
            return false;
        buf_add_cstr(out, "v=DKIM1; k=ed25519; p=");
        base64_encode_line(out, slice_from(raw, raw_len));
        return true;
    }
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return false;
    der_len = i2d_PUBKEY(key, &der);
    if (der_len <= 0)
        return false;
    buf_add_cstr(out, "v=DKIM1; k=rsa; p=");
    base64_encode_line(out, slice_from(der, (size_t)der_len));
    OPENSSL_free(der);
    return true;
}

bool dkim_key_matches(struct slice record, struct slice our_record)
{
    struct arena arena;
    struct dkim_key theirs, ours;
    bool same;

    arena_init(&arena);
    same = !dkim_key_read(record, &arena, &theirs) && !dkim_key_read(our_record, &arena, &ours) &&
           theirs.kind == ours.kind && ours.data.len != 0;
    if (same && ours.kind == DKIM_KEY_RSA)
        same = slice_eq(without_frame(theirs.data), without_frame(ours.data));
    else if (same)
        same = slice_eq(theirs.data, ours.data);
    arena_done(&arena);
    return same;
}
