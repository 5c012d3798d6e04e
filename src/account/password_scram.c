/*
 * SCRAM verifiers (RFC 5802 section 3, RFC 7677). See password_scram() in password.h.
 *
 *   SaltedPassword  := Hi(Normalize(password), salt, i)
 *   ClientKey       := HMAC(SaltedPassword, "Client Key")
 *   StoredKey       := H(ClientKey)
 *   ServerKey       := HMAC(SaltedPassword, "Server Key")
 *
 * Hi() is PBKDF2 with HMAC. StoredKey and ServerKey let verify a proof, not make one.
 */
#include "account/password_scram.h"

#include "mail/encoding.h"

#include <errno.h>
#include <gsasl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

enum { SALT_BYTES = 16 };

struct keys {
    unsigned char salted[EVP_MAX_MD_SIZE], client[EVP_MAX_MD_SIZE];
    unsigned char stored[EVP_MAX_MD_SIZE], server[EVP_MAX_MD_SIZE];
};

static bool derive(const EVP_MD *md, const char *password, struct slice salt, unsigned iterations,
                   struct keys *keys)
{
    static const unsigned char client[] = "Client Key", server[] = "Server Key";
    int size = EVP_MD_get_size(md);

    return PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (const unsigned char *)salt.ptr,
                             (int)salt.len, (int)iterations, md, size, keys->salted) == 1 &&
           HMAC(md, keys->salted, size, client, sizeof(client) - 1, keys->client, NULL) &&
           HMAC(md, keys->salted, size, server, sizeof(server) - 1, keys->server, NULL) &&
           EVP_Digest(keys->client, (size_t)size, keys->stored, NULL, md, NULL) == 1;
}

static struct slice write_form(struct arena *arena, unsigned iterations, struct slice salt,
                               const struct keys *keys, size_t size)
{
    struct slice form;
    struct buf text;

    buf_init(&text, 1024);
    buf_printf(&text, "%u,", iterations);
    base64_encode_line(&text, salt);
    buf_add_char(&text, ',');
    base64_encode_line(&text, slice_from(keys->stored, size));
    buf_add_char(&text, ',');
    base64_encode_line(&text, slice_from(keys->server, size));
    form = arena_dup(arena, buf_slice(&text));
    buf_done(&text);
    return form;
}

int password_scram_with(enum password_digest digest, struct slice password, struct slice salt,
                        unsigned iterations, struct arena *arena, struct slice *ret_form)
{
    const EVP_MD *md = digest == PASSWORD_SHA_256 ? EVP_sha256() : EVP_sha1();
    char *text, *prepared = NULL;
    struct keys keys;
    int r = -EINVAL;

    if (password.len == 0 || password.len > PASSWORD_MAX || memchr(password.ptr, 0, password.len))
        return r;
    text = xslicedup(password);
    if (gsasl_saslprep(text, 0, &prepared, NULL) == GSASL_OK && prepared[0]) {
        r = derive(md, prepared, salt, iterations, &keys) ? 0 : -EIO;
        if (r == 0)
            *ret_form = write_form(arena, iterations, salt, &keys, (size_t)EVP_MD_get_size(md));
        explicit_bzero(&keys, sizeof(keys));
    }
    if (prepared)
        explicit_bzero(prepared, strlen(prepared));
    gsasl_free(prepared);
    explicit_bzero(text, password.len);
    free(text);
    return r;
}

int password_scram(enum password_digest digest, struct slice password, struct arena *arena,
                   struct slice *ret_form)
{
    unsigned char salt[SALT_BYTES];

    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return -EIO;
    return password_scram_with(digest, password, slice_from(salt, sizeof(salt)),
                               PASSWORD_SCRAM_ITERATIONS, arena, ret_form);
}
