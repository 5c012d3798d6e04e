/*
 * Time-based one-time codes on liboath. See otp.h.
 *
 * Codes are compared in constant time, and all three of the window are computed whichever is right.
 */
#include "account/otp.h"

#include "base/buf.h"

#include <errno.h>
#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/random.h>

int otp_make_key(unsigned char ret_key[OTP_KEY_BYTES])
{
    return getrandom(ret_key, OTP_KEY_BYTES, 0) == OTP_KEY_BYTES ? 0 : -EIO;
}

struct slice otp_key_text(struct arena *arena, struct slice key)
{
    struct slice text = SLICE_NULL;
    char *encoded = NULL;
    size_t len = 0;

    if (oath_base32_encode(key.ptr, key.len, &encoded, &len) != OATH_OK)
        return text;
    while (len > 0 && encoded[len - 1] == '=')
        len--;
    text = arena_dup(arena, slice_from(encoded, len));
    explicit_bzero(encoded, len);
    free(encoded);
    return text;
}

/* RFC 3986 section 2.3: all but these are escaped. */
static void add_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (ascii_is_alnum(text.ptr[i]) || strchr("-._~", text.ptr[i] ? text.ptr[i] : '%'))
            buf_add_char(out, text.ptr[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
    }
}

struct slice otp_uri(struct arena *arena, struct slice key, struct slice issuer,
                     struct slice account)
{
    struct slice secret = otp_key_text(arena, key), uri;
    struct buf text;

    buf_init(&text, 8192);
    buf_add_cstr(&text, "otpauth://totp/");
    add_escaped(&text, issuer);
    buf_add_char(&text, ':');
    add_escaped(&text, account);
    buf_printf(&text, "?secret=%.*s&issuer=", SLICE_ARG(secret));
    add_escaped(&text, issuer);
    buf_printf(&text, "&algorithm=SHA1&digits=%d&period=%d", OTP_DIGITS, OTP_STEP_SECONDS);
    uri = arena_dup(arena, buf_slice(&text));
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    buf_done(&text);
    return uri;
}

bool otp_verify(struct slice key, struct slice code, uint64_t now_s, uint64_t *ret_step)
{
    uint64_t now = now_s / OTP_STEP_SECONDS;
    char right[OTP_DIGITS + 1];
    bool found = false;

    if (code.len != OTP_DIGITS || key.len == 0)
        return false;
    for (uint64_t step = now > 1 ? now - 1 : 1; step <= now + 1; step++) {
        if (oath_hotp_generate(key.ptr, key.len, step, OTP_DIGITS, false,
                               OATH_HOTP_DYNAMIC_TRUNCATION, right) != OATH_OK ||
            CRYPTO_memcmp(right, code.ptr, OTP_DIGITS) != 0)
            continue;
        *ret_step = step;
        found = true;
    }
    explicit_bzero(right, sizeof(right));
    return found;
}
