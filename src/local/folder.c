/*
 * Maildir++ folder names. See folder.h.
 *
 * Pure. Modified UTF-7 shifts with '&' into base 64 of UTF-16 (big endian) without padding, with
 * ',' in the place of '/', and back with '-'; "&-" is the ampersand itself. A run of characters
 * outside printable ASCII is one shift, because RFC 3501 wants each name in one form only.
 */
#include "local/folder.h"

#include "base/buf.h"

#include <errno.h>

/* Cuts one character off *rest; UINT32_MAX for what is not well-formed UTF-8 (RFC 3629). */
static uint32_t take_character(struct slice *rest)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)rest->ptr[0];
    size_t more = first < 0x80             ? 0
                  : (first & 0xe0) == 0xc0 ? 1
                  : (first & 0xf0) == 0xe0 ? 2
                  : (first & 0xf8) == 0xf0 ? 3
                                           : SIZE_MAX;
    uint32_t value;

    if (more == SIZE_MAX || rest->len <= more)
        return UINT32_MAX;
    value = more ? first & (0x3fu >> more) : first;
    for (size_t i = 1; i <= more; i++) {
        unsigned char c = (unsigned char)rest->ptr[i];
        if ((c & 0xc0) != 0x80)
            return UINT32_MAX;
        value = value << 6 | (c & 0x3f);
    }
    if (value < least[more] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return UINT32_MAX;
    *rest = slice_skip(*rest, more + 1);
    return value;
}

struct shift {
    struct buf *out;
    bool open;
    uint32_t bits;
    unsigned n_bits;
};

static void shift_put(struct shift *shift, unsigned sextet)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

    buf_add_char(shift->out, digits[sextet & 63]);
}

static void shift_unit(struct shift *shift, uint32_t utf16)
{
    shift->bits = shift->bits << 16 | utf16;
    shift->n_bits += 16;
    while (shift->n_bits >= 6) {
        shift->n_bits -= 6;
        shift_put(shift, shift->bits >> shift->n_bits);
    }
}

static void shift_character(struct shift *shift, uint32_t character)
{
    if (!shift->open)
        buf_add_char(shift->out, '&');
    shift->open = true;
    if (character >= 0x10000) {
        shift_unit(shift, 0xd800 | (character - 0x10000) >> 10);
        shift_unit(shift, 0xdc00 | (character & 0x3ff));
    } else {
        shift_unit(shift, character);
    }
}

static void shift_close(struct shift *shift)
{
    if (!shift->open)
        return;
    if (shift->n_bits)
        shift_put(shift, shift->bits << (6 - shift->n_bits));
    buf_add_char(shift->out, '-');
    *shift = (struct shift){.out = shift->out};
}

/* One level, which holds neither separator. */
static int add_level(struct buf *out, struct slice level)
{
    struct shift shift = {.out = out};

    if (level.len == 0)
        return -EINVAL;
    buf_add_char(out, '.');
    while (level.len) {
        uint32_t character = take_character(&level);
        if (character == UINT32_MAX || character < 0x20 || character == 0x7f)
            return -EINVAL;
        if (character > 0x7f) {
            shift_character(&shift, character);
            continue;
        }
        shift_close(&shift);
        buf_add_char(out, (char)character);
        if (character == '&')
            buf_add_char(out, '-');
    }
    shift_close(&shift);
    return 0;
}

static size_t level_length(struct slice rest)
{
    size_t len = 0;

    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '.')
        len++;
    return len;
}

int folder_directory(struct slice folder, char *to, size_t size)
{
    struct buf name;
    int r = 0;

    if (folder.len == 0 || slice_eq_nocase(folder, SLICE("INBOX"))) {
        to[0] = '\0';
        return 0;
    }
    buf_init(&name, size - 1);
    for (struct slice rest = folder;;) {
        size_t len = level_length(rest);
        r = add_level(&name, slice_sub(rest, 0, len));
        if (r < 0 || len == rest.len)
            break;
        rest = slice_skip(rest, len + 1);
    }
    if (r == 0 && name.overflow)
        r = -ENAMETOOLONG;
    if (r == 0) {
        memcpy(to, name.ptr, name.len);
        to[name.len] = '\0';
    }
    buf_done(&name);
    return r;
}
