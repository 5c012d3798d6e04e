/*
 * Verifying and making passwords. See password.h.
 *
 * Hashes are compared in constant time. A password that no form can have (empty, with a NUL, too
 * long) is hashed all the same and then wrong, so that it takes as long as another. What is
 * computed from a password is wiped.
 *
 * Left to others: crypt(3)'s schemes are libxcrypt's work, digests OpenSSL's, Argon2 libargon2's.
 */
#include "account/password.h"

#include "account/password_form.h"
#include "mail/encoding.h"

#include <argon2.h>
#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

enum { HASH_MAX = 512 };

static bool is_possible(struct slice password)
{
    return password.len > 0 && password.len <= PASSWORD_MAX &&
           !memchr(password.ptr, 0, password.len);
}

/* NUL-terminated, cut off at PASSWORD_MAX. */
static void copy_password(struct slice password, char ret_text[PASSWORD_MAX + 1])
{
    password = slice_sub(password, 0, PASSWORD_MAX);
    if (password.len)
        memcpy(ret_text, password.ptr, password.len);
    ret_text[password.len] = '\0';
}

static bool is_equal(struct slice a, const void *b, size_t b_len)
{
    return a.len == b_len && CRYPTO_memcmp(a.ptr, b, b_len) == 0;
}

static enum password_verdict verdict(bool is_right)
{
    return is_right ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static enum password_verdict verify_crypt(struct slice form, struct slice password)
{
    struct crypt_data *data = xcalloc(1, sizeof(*data));
    char *setting = xslicedup(form), text[PASSWORD_MAX + 1];
    enum password_verdict result = PASSWORD_UNKNOWN_SCHEME;
    const char *hash;

    copy_password(password, text);
    /* Longer ones are none of libxcrypt's, and not the table's fault. */
    if (strlen(text) >= CRYPT_MAX_PASSPHRASE_SIZE)
        text[CRYPT_MAX_PASSPHRASE_SIZE - 1] = '\0';
    hash = crypt_rn(text, setting, data, (int)sizeof(*data));
    if (hash)
        result =
            verdict(is_equal(form, hash, strlen(hash)) && password.len < CRYPT_MAX_PASSPHRASE_SIZE);
    explicit_bzero(text, sizeof(text));
    explicit_bzero(data, sizeof(*data));
    free(data);
    free(setting);
    return result;
}

static enum password_verdict verify_digest(const struct password_form *form, struct slice password)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum password_verdict result = PASSWORD_UNKNOWN_SCHEME;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (context && EVP_DigestInit_ex(context, EVP_get_digestbyname(form->digest), NULL) == 1 &&
        EVP_DigestUpdate(context, password.ptr, password.len) == 1 &&
        EVP_DigestUpdate(context, form->salt.ptr, form->salt.len) == 1 &&
        EVP_DigestFinal_ex(context, hash, &size) == 1)
        result = verdict(is_equal(form->data, hash, size));
    explicit_bzero(hash, sizeof(hash));
    EVP_MD_CTX_free(context);
    return result;
}

static enum password_verdict verify_pbkdf2(const struct password_form *form, struct slice password)
{
    unsigned char hash[20];
    bool done = PKCS5_PBKDF2_HMAC(password.len ? password.ptr : "", (int)password.len,
                                  (const unsigned char *)form->salt.ptr, (int)form->salt.len,
                                  (int)form->iterations, EVP_sha1(), sizeof(hash), hash) == 1;
    bool is_right = is_equal(form->data, hash, sizeof(hash));

    explicit_bzero(hash, sizeof(hash));
    return done ? verdict(is_right) : PASSWORD_UNKNOWN_SCHEME;
}

/* On this thread alone, however many lanes there are. libargon2 takes no const, and with these
 * flags writes to nothing but `out`. */
static enum password_verdict verify_argon2(const struct password_form *form, struct slice password)
{
    unsigned char hash[HASH_MAX];
    char text[PASSWORD_MAX + 1];
    argon2_context context = {
        .out = hash,
        .outlen = (uint32_t)form->data.len,
        .pwd = (uint8_t *)text,
        .pwdlen = (uint32_t)password.len,
        .salt = (uint8_t *)(uintptr_t)form->salt.ptr,
        .saltlen = (uint32_t)form->salt.len,
        .t_cost = form->iterations,
        .m_cost = form->memory_kib,
        .lanes = form->lanes,
        .threads = 1,
        .version = form->version,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    enum password_verdict result = PASSWORD_UNKNOWN_SCHEME;

    copy_password(password, text);
    if (argon2_ctx(&context, form->is_id ? Argon2_id : Argon2_i) == ARGON2_OK)
        result = verdict(is_equal(form->data, hash, form->data.len));
    explicit_bzero(text, sizeof(text));
    explicit_bzero(hash, sizeof(hash));
    return result;
}

static enum password_verdict verify_form(const struct password_form *form, struct slice password)
{
    switch (form->scheme) {
    case PASSWORD_SCHEME_CRYPT:
        return verify_crypt(form->data, password);
    case PASSWORD_SCHEME_DIGEST:
        return verify_digest(form, password);
    case PASSWORD_SCHEME_PBKDF2:
        return verify_pbkdf2(form, password);
    case PASSWORD_SCHEME_ARGON2:
        return verify_argon2(form, password);
    case PASSWORD_SCHEME_PLAIN:
        break;
    }
    return verdict(is_equal(form->data, password.ptr, password.len));
}

enum password_verdict password_verify(struct slice form, struct slice password)
{
    enum password_verdict result = PASSWORD_UNKNOWN_SCHEME;
    bool possible = is_possible(password);
    struct password_form parsed;
    struct arena arena;

    arena_init(&arena);
    if (form.len <= PASSWORD_FORM_MAX && password_form_parse(form, &arena, &parsed)) {
        result = verify_form(&parsed, slice_sub(password, 0, PASSWORD_MAX));
        if (parsed.secret)
            explicit_bzero((char *)(uintptr_t)parsed.data.ptr, parsed.data.len);
    }
    arena_done(&arena);
    return result == PASSWORD_RIGHT && !possible ? PASSWORD_WRONG : result;
}

void password_verify_nothing(struct slice password)
{
    (void)verify_crypt(PASSWORD_NOTHING, password);
}

bool password_form_is_known(struct slice form)
{
    struct password_form parsed;
    struct arena arena;
    bool known;

    arena_init(&arena);
    known = form.len <= PASSWORD_FORM_MAX && password_form_parse(form, &arena, &parsed);
    if (known && parsed.secret)
        explicit_bzero((char *)(uintptr_t)parsed.data.ptr, parsed.data.len);
    arena_done(&arena);
    return known;
}

bool password_is_fast(struct slice form)
{
    struct password_form parsed;
    struct arena arena;
    bool fast;

    arena_init(&arena);
    fast = form.len > PASSWORD_FORM_MAX || !password_form_parse(form, &arena, &parsed) ||
           parsed.scheme == PASSWORD_SCHEME_DIGEST || parsed.scheme == PASSWORD_SCHEME_PLAIN;
    arena_done(&arena);
    return fast;
}

int password_hash(struct slice password, struct arena *arena, struct slice *ret_form)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE], text[PASSWORD_MAX + 1], salt[16];
    struct crypt_data *data;
    const char *hash;
    int r = -EINVAL;

    if (!is_possible(password) || password.len >= CRYPT_MAX_PASSPHRASE_SIZE)
        return r;
    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return -EIO;
    if (!crypt_gensalt_rn("$y$", 0, salt, sizeof(salt), setting, sizeof(setting)))
        return -EIO;
    data = xcalloc(1, sizeof(*data));
    copy_password(password, text);
    hash = crypt_rn(text, setting, data, (int)sizeof(*data));
    r = hash ? 0 : -EIO;
    if (hash)
        *ret_form = arena_dup(arena, slice_from_cstr(hash));
    explicit_bzero(text, sizeof(text));
    explicit_bzero(data, sizeof(*data));
    free(data);
    return r;
}

int password_hash_generated(struct slice password, struct arena *arena, struct slice *ret_form)
{
    enum { HASH_BYTES = 64, SALT_BYTES = 16 };
    char input[PASSWORD_MAX + SALT_BYTES], stored[HASH_BYTES + SALT_BYTES];
    char *salt = stored + HASH_BYTES;
    struct buf form;
    int r;

    if (!is_possible(password))
        return -EINVAL;
    if (getrandom(salt, SALT_BYTES, 0) != SALT_BYTES)
        return -EIO;
    memcpy(input, password.ptr, password.len);
    memcpy(input + password.len, salt, SALT_BYTES);
    r = EVP_Digest(input, password.len + SALT_BYTES, (unsigned char *)stored, NULL, EVP_sha512(),
                   NULL) == 1
            ? 0
            : -EIO;
    explicit_bzero(input, sizeof(input));
    buf_init(&form, PASSWORD_FORM_MAX);
    buf_add_cstr(&form, "{SSHA512}");
    base64_encode_line(&form, slice_from(stored, sizeof(stored)));
    if (r == 0)
        *ret_form = arena_dup(arena, buf_slice(&form));
    buf_done(&form);
    return r;
}

int password_generate(struct arena *arena, struct slice *ret_password)
{
    /* 32 of them, so that five bits choose one evenly; no 0 o 1 l. */
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    enum { LETTERS = 16, GROUP = 4 };
    unsigned char random[LETTERS];
    char text[LETTERS + LETTERS / GROUP];
    size_t used = 0;

    _Static_assert(sizeof(letters) == 32 + 1, "five bits choose one");
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    for (size_t i = 0; i < LETTERS; i++) {
        if (i && i % GROUP == 0)
            text[used++] = '-';
        text[used++] = letters[random[i] % 32];
    }
    *ret_password = arena_dup(arena, slice_from(text, used));
    explicit_bzero(random, sizeof(random));
    explicit_bzero(text, sizeof(text));
    return 0;
}
