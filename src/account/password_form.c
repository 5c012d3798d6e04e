/*
 * Stored forms of passwords: {SCHEME}, {SCHEME.encoding}, or crypt(3)'s. See password_form.h.
 *
 * As Dovecot reads its tables: names of schemes in any case; digests are base64 unless said
 * otherwise, and hexadecimal where they have just that length; PLAIN-MD5 the other way round.
 * What is behind the braces of the other schemes is taken as it is unless an encoding is named.
 */
#include "account/password_form.h"

#include "mail/encoding.h"

#include <string.h>

enum encoding { AS_IT_IS, BASE64, HEX };

struct scheme {
    const char *name;
    enum password_scheme scheme;
    enum encoding encoding;
    const char *digest;
    size_t digest_size;
    bool salted;
};

static const struct scheme schemes[] = {
    {"CRYPT", PASSWORD_SCHEME_CRYPT, AS_IT_IS, NULL, 0, false},
    {"SHA512-CRYPT", PASSWORD_SCHEME_CRYPT, AS_IT_IS, NULL, 0, false},
    {"SHA256-CRYPT", PASSWORD_SCHEME_CRYPT, AS_IT_IS, NULL, 0, false},
    {"BLF-CRYPT", PASSWORD_SCHEME_CRYPT, AS_IT_IS, NULL, 0, false},
    {"MD5-CRYPT", PASSWORD_SCHEME_CRYPT, AS_IT_IS, NULL, 0, false},
    {"DES-CRYPT", PASSWORD_SCHEME_CRYPT, AS_IT_IS, NULL, 0, false},
    {"MD5", PASSWORD_SCHEME_CRYPT, AS_IT_IS, NULL, 0, false},
    {"PLAIN", PASSWORD_SCHEME_PLAIN, AS_IT_IS, NULL, 0, false},
    {"CLEAR", PASSWORD_SCHEME_PLAIN, AS_IT_IS, NULL, 0, false},
    {"CLEARTEXT", PASSWORD_SCHEME_PLAIN, AS_IT_IS, NULL, 0, false},
    {"SHA", PASSWORD_SCHEME_DIGEST, BASE64, "SHA1", 20, false},
    {"SHA1", PASSWORD_SCHEME_DIGEST, BASE64, "SHA1", 20, false},
    {"SHA256", PASSWORD_SCHEME_DIGEST, BASE64, "SHA256", 32, false},
    {"SHA512", PASSWORD_SCHEME_DIGEST, BASE64, "SHA512", 64, false},
    {"SSHA", PASSWORD_SCHEME_DIGEST, BASE64, "SHA1", 20, true},
    {"SSHA256", PASSWORD_SCHEME_DIGEST, BASE64, "SHA256", 32, true},
    {"SSHA512", PASSWORD_SCHEME_DIGEST, BASE64, "SHA512", 64, true},
    {"SMD5", PASSWORD_SCHEME_DIGEST, BASE64, "MD5", 16, true},
    {"PLAIN-MD5", PASSWORD_SCHEME_DIGEST, HEX, "MD5", 16, false},
    {"LDAP-MD5", PASSWORD_SCHEME_DIGEST, BASE64, "MD5", 16, false},
    {"PBKDF2", PASSWORD_SCHEME_PBKDF2, AS_IT_IS, NULL, 20, false},
    {"ARGON2I", PASSWORD_SCHEME_ARGON2, AS_IT_IS, NULL, 0, false},
    {"ARGON2ID", PASSWORD_SCHEME_ARGON2, AS_IT_IS, NULL, 0, false},
};

static const struct scheme *find_scheme(struct slice name)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (slice_eq_nocase(name, slice_from_cstr(schemes[i].name)))
            return &schemes[i];
    }
    return NULL;
}

/* The name behind the dot. */
static bool find_encoding(struct slice name, enum encoding *ret_encoding)
{
    if (slice_eq_nocase(name, SLICE("b64")) || slice_eq_nocase(name, SLICE("base64")))
        *ret_encoding = BASE64;
    else if (slice_eq_nocase(name, SLICE("hex")))
        *ret_encoding = HEX;
    else
        return false;
    return true;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, ascii_lower(c)) : NULL;

    return found ? (int)(found - digits) : -1;
}

static bool decode_hex(struct slice text, struct arena *arena, struct slice *ret_bytes)
{
    char *bytes = arena_alloc(arena, text.len / 2 + 1);

    if (text.len % 2)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i / 2] = (char)(high << 4 | low);
    }
    *ret_bytes = slice_from(bytes, text.len / 2);
    return true;
}

static bool decode_base64(struct slice text, struct arena *arena, struct slice *ret_bytes)
{
    struct buf bytes;
    bool right;

    buf_init(&bytes, text.len);
    right = base64_decode_strict(&bytes, text);
    if (right) {
        *ret_bytes = arena_dup(arena, buf_slice(&bytes));
        explicit_bzero(bytes.ptr, bytes.len);
    }
    buf_done(&bytes);
    return right;
}

static bool decode(enum encoding encoding, struct slice text, struct arena *arena,
                   struct slice *ret_bytes)
{
    if (encoding == HEX)
        return decode_hex(text, arena, ret_bytes);
    if (encoding == BASE64)
        return decode_base64(text, arena, ret_bytes);
    *ret_bytes = text;
    return true;
}

/* A number up to `max` and at least 1. */
static bool read_number(struct slice text, uint64_t max, uint32_t *ret_number)
{
    uint64_t number;

    if (!slice_parse_u64(text, max, &number) || number == 0)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static bool parse_digest(const struct scheme *scheme, struct password_form *form)
{
    if (scheme->salted ? form->data.len <= scheme->digest_size
                       : form->data.len != scheme->digest_size)
        return false;
    form->digest = scheme->digest;
    form->salt = slice_skip(form->data, scheme->digest_size);
    form->data = slice_sub(form->data, 0, scheme->digest_size);
    return true;
}

/* "$1$salt$iterations$hex" */
static bool parse_pbkdf2(const struct scheme *scheme, struct arena *arena,
                         struct password_form *form)
{
    struct slice rest = form->data;

    if (slice_cut(&rest, '$').len != 0 || !rest.ptr || !slice_eq(slice_cut(&rest, '$'), SLICE("1")))
        return false;
    if (!rest.ptr)
        return false;
    form->salt = slice_cut(&rest, '$');
    return rest.ptr && read_number(slice_cut(&rest, '$'), PASSWORD_ROUNDS_MAX, &form->iterations) &&
           rest.ptr && decode_hex(rest, arena, &form->data) &&
           form->data.len == scheme->digest_size;
}

/* "m=65536,t=3,p=1" */
static bool parse_argon2_costs(struct slice costs, struct password_form *form)
{
    struct slice memory = slice_cut(&costs, ','), passes, lanes;

    passes = costs.ptr ? slice_cut(&costs, ',') : SLICE_NULL;
    lanes = costs.ptr ? slice_cut(&costs, ',') : SLICE_NULL;
    return !costs.ptr && slice_starts_with_nocase(memory, SLICE("m=")) &&
           slice_starts_with_nocase(passes, SLICE("t=")) &&
           slice_starts_with_nocase(lanes, SLICE("p=")) &&
           read_number(slice_skip(memory, 2), PASSWORD_MEMORY_MAX / 1024, &form->memory_kib) &&
           read_number(slice_skip(passes, 2), PASSWORD_PASSES_MAX, &form->iterations) &&
           read_number(slice_skip(lanes, 2), PASSWORD_LANES_MAX, &form->lanes) &&
           form->memory_kib >= 8 * form->lanes;
}

/* Argon2 writes base64 without padding. */
static bool decode_unpadded(struct slice text, struct arena *arena, struct slice *ret_bytes)
{
    static const char padding[] = "==";
    int missing = (int)((4 - text.len % 4) % 4);

    return text.len && missing < 3 &&
           decode_base64(arena_printf(arena, "%.*s%.*s", SLICE_ARG(text), missing, padding), arena,
                         ret_bytes);
}

/* "$argon2id$v=19$m=65536,t=3,p=1$salt$hash", the version is left out by the oldest. */
static bool parse_argon2(struct arena *arena, struct password_form *form)
{
    enum { SALT_MIN = 8, HASH_MIN = 4, BYTES_MAX = 512 };
    struct slice rest = form->data, piece;

    if (slice_cut(&rest, '$').len != 0 || !rest.ptr)
        return false;
    piece = slice_cut(&rest, '$');
    form->is_id = slice_eq(piece, SLICE("argon2id"));
    if ((!form->is_id && !slice_eq(piece, SLICE("argon2i"))) || !rest.ptr)
        return false;
    form->version = 16;
    piece = slice_cut(&rest, '$');
    if (slice_eq(piece, SLICE("v=19")) || slice_eq(piece, SLICE("v=16"))) {
        form->version = piece.ptr[3] == '9' ? 19 : 16;
        piece = rest.ptr ? slice_cut(&rest, '$') : SLICE_NULL;
    }
    if (!parse_argon2_costs(piece, form) || !rest.ptr ||
        !decode_unpadded(slice_cut(&rest, '$'), arena, &form->salt) || !rest.ptr ||
        !decode_unpadded(rest, arena, &form->data))
        return false;
    return form->salt.len >= SALT_MIN && form->data.len >= HASH_MIN &&
           form->salt.len <= BYTES_MAX && form->data.len <= BYTES_MAX;
}

static bool parse_data(const struct scheme *scheme, struct arena *arena, struct password_form *form)
{
    switch (scheme->scheme) {
    case PASSWORD_SCHEME_CRYPT:
        return password_crypt_is_sound(form->data);
    case PASSWORD_SCHEME_DIGEST:
        return parse_digest(scheme, form);
    case PASSWORD_SCHEME_PBKDF2:
        return parse_pbkdf2(scheme, arena, form);
    case PASSWORD_SCHEME_ARGON2:
        return parse_argon2(arena, form);
    case PASSWORD_SCHEME_PLAIN:
        break;
    }
    return form->data.len > 0;
}

bool password_form_parse(struct slice text, struct arena *arena, struct password_form *ret_form)
{
    ptrdiff_t end = text.len && text.ptr[0] == '{' ? slice_find(text, '}') : -1;
    struct slice name, suffix, data;
    const struct scheme *scheme;
    enum encoding encoding;
    bool encoded;

    *ret_form = (struct password_form){.scheme = PASSWORD_SCHEME_CRYPT, .data = text};
    if (text.len == 0 || text.ptr[0] != '{')
        return password_crypt_is_sound(text);
    if (end < 0)
        return false;
    suffix = slice_sub(text, 1, (size_t)end - 1);
    data = slice_skip(text, (size_t)end + 1);
    name = slice_cut(&suffix, '.');
    scheme = find_scheme(name);
    if (!scheme)
        return false;
    ret_form->scheme = scheme->scheme;
    encoding = scheme->encoding;
    encoded = suffix.ptr != NULL;
    if (encoded && !find_encoding(suffix, &encoding))
        return false;
    if (!encoded && scheme->digest && !scheme->salted && data.len == 2 * scheme->digest_size)
        encoding = HEX;
    ret_form->secret = encoded && scheme->scheme == PASSWORD_SCHEME_PLAIN;
    return decode(encoding, data, arena, &ret_form->data) && parse_data(scheme, arena, ret_form);
}
