/*
 * The stored form is taken apart, and false forms are derived by HMAC-SHA-256 under the secret of
 * the store, with a word in front for each of the three fields. See verifier.h.
 */
#include "account/verifier.h"

#include "mail/encoding.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { SALT_BYTES = 16, SHA_1_BYTES = 20, SHA_256_BYTES = 32, ITERATIONS_MAX = 10 * 1000 * 1000 };

static size_t digest_size(enum password_digest digest)
{
    return digest == PASSWORD_SHA_256 ? SHA_256_BYTES : SHA_1_BYTES;
}

static bool is_base64_of(struct slice text, size_t bytes)
{
    struct buf decoded;
    bool fine;

    buf_init(&decoded, PASSWORD_FORM_MAX);
    fine = base64_decode_strict(&decoded, text) && decoded.len > 0 &&
           (bytes == 0 || decoded.len == bytes);
    buf_done(&decoded);
    return fine;
}

bool verifier_parse(struct slice form, enum password_digest digest, struct sasl_keys *ret_keys)
{
    struct slice iterations = slice_cut(&form, ','), salt, stored, server;
    uint64_t number;

    salt = slice_cut(&form, ',');
    stored = slice_cut(&form, ',');
    server = slice_cut(&form, ',');
    if (form.ptr || !slice_parse_u64(iterations, ITERATIONS_MAX, &number) || number == 0 ||
        !is_base64_of(salt, 0) || !is_base64_of(stored, digest_size(digest)) ||
        !is_base64_of(server, digest_size(digest)))
        return false;
    *ret_keys = (struct sasl_keys){.known = true,
                                   .iterations = (unsigned)number,
                                   .salt = salt,
                                   .stored_key = stored,
                                   .server_key = server};
    return true;
}

static struct slice derive(const unsigned char *secret, const char *what, struct slice name,
                           size_t size, struct arena *arena)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct buf input, base64;
    struct slice result;

    buf_init(&input, SASL_NAME_MAX + 64);
    buf_init(&base64, 128);
    buf_add_cstr(&input, what);
    buf_add_char(&input, '\0');
    buf_add_slice(&input, name);
    HMAC(EVP_sha256(), secret, STORE_SECRET_BYTES, (const unsigned char *)input.ptr, input.len,
         bytes, &len);
    base64_encode_line(&base64, slice_from(bytes, size));
    result = arena_dup(arena, buf_slice(&base64));
    buf_done(&base64);
    buf_done(&input);
    return result;
}

void verifier_make_false(const unsigned char secret[STORE_SECRET_BYTES],
                         enum password_digest digest, struct slice name, struct arena *arena,
                         struct sasl_keys *ret_keys)
{
    bool sha_256 = digest == PASSWORD_SHA_256;
    size_t size = digest_size(digest);

    *ret_keys = (struct sasl_keys){
        .iterations = PASSWORD_SCRAM_ITERATIONS,
        .salt = derive(secret, sha_256 ? "salt-sha-256" : "salt-sha-1", name, SALT_BYTES, arena),
        .stored_key =
            derive(secret, sha_256 ? "stored-sha-256" : "stored-sha-1", name, size, arena),
        .server_key =
            derive(secret, sha_256 ? "server-sha-256" : "server-sha-1", name, size, arena),
    };
}
