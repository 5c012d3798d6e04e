/*
 * The encodings of DSN parameters. See xtext.h.
 *
 * Decoders add to their buffer only when the whole input is good. Hex digits are taken in both
 * cases, though RFC 3461 writes upper case: there are senders that do not.
 */
#include "mail/xtext.h"
#include "base/utf8.h"

#include <string.h>

enum { CODE_POINT_MAX = 0x10ffff };

static bool is_plain(char c)
{
    return c > ' ' && c < 127 && c != '+' && c != '=';
}

static int hex_value(char c)
{
    char lower = ascii_lower(c);

    if (ascii_is_digit(c))
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void xtext_encode(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_plain(text.ptr[i]))
            buf_add_char(out, text.ptr[i]);
        else
            buf_printf(out, "+%02X", (unsigned)(unsigned char)text.ptr[i]);
    }
}

/* The octet at the beginning of *rest, which moves on; -1 when it is no xtext. */
static int take_octet(struct slice *rest)
{
    char c = rest->ptr[0];
    int high;
    int low;

    if (is_plain(c)) {
        *rest = slice_skip(*rest, 1);
        return c;
    }
    if (c != '+' || rest->len < 3)
        return -1;
    high = hex_value(rest->ptr[1]);
    low = hex_value(rest->ptr[2]);
    *rest = slice_skip(*rest, 3);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool xtext_is_valid(struct slice xtext)
{
    while (xtext.len) {
        if (take_octet(&xtext) < 0)
            return false;
    }
    return true;
}

bool xtext_decode(struct buf *out, struct slice xtext)
{
    if (!xtext_is_valid(xtext))
        return false;
    while (xtext.len)
        buf_add_char(out, (char)take_octet(&xtext));
    return true;
}

void xtext_encode_utf8(struct buf *out, struct slice address)
{
    while (address.len) {
        size_t len = utf8_char_len(address);
        char c = address.ptr[0];

        if (is_plain(c) && c != '\\')
            buf_add_char(out, c);
        else
            buf_printf(out, "\\x{%02X}",
                       len ? (unsigned)utf8_char_value(address) : (unsigned)(unsigned char)c);
        address = slice_skip(address, len ? len : 1);
    }
}

/* "\x{HEX}" with 2 to 6 digits at the beginning of *rest. */
static bool take_embedded(struct slice *rest, uint32_t *ret_value)
{
    ptrdiff_t end = slice_find(*rest, '}');
    uint32_t value = 0;

    if (!slice_starts_with_nocase(*rest, SLICE("\\x{")) || end < 5 || end > 9)
        return false;
    for (ptrdiff_t i = 3; i < end; i++) {
        int digit = hex_value(rest->ptr[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
    }
    if (value > CODE_POINT_MAX || (value >= 0xd800 && value < 0xe000))
        return false;
    *rest = slice_skip(*rest, (size_t)end + 1);
    *ret_value = value;
    return true;
}

/* The octets of the character at the beginning of *rest, which moves on; 0 when it is none. */
static size_t take_character(struct slice *rest, char ret_octets[static 4])
{
    size_t len;
    uint32_t value;

    if (rest->ptr[0] == '\\')
        return take_embedded(rest, &value) ? utf8_put(ret_octets, value) : 0;
    len = utf8_char_len(*rest);
    if (len == 0 || (len == 1 && !is_plain(rest->ptr[0])))
        return 0;
    memcpy(ret_octets, rest->ptr, len);
    *rest = slice_skip(*rest, len);
    return len;
}

bool xtext_decode_utf8(struct buf *out, struct slice text)
{
    struct slice rest = text;
    char octets[4];

    while (rest.len) {
        if (take_character(&rest, octets) == 0)
            return false;
    }
    while (text.len)
        buf_add(out, octets, take_character(&text, octets));
    return true;
}

static bool is_addr_type(struct slice type)
{
    for (size_t i = 0; i < type.len; i++) {
        if (!ascii_is_alnum(type.ptr[i]) && type.ptr[i] != '-')
            return false;
    }
    return type.len > 0;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127)
            return true;
    }
    return false;
}

bool orcpt_decode(struct slice orcpt, struct slice *ret_type, struct buf *out)
{
    struct slice rest = orcpt;
    struct slice type = slice_cut(&rest, ';');
    size_t before = out->len;
    bool good;

    if (rest.len == 0 || !is_addr_type(type))
        return false;
    good = slice_eq_nocase(type, SLICE("utf-8")) ? xtext_decode_utf8(out, rest)
                                                 : xtext_decode(out, rest);
    if (!good || has_control(slice_skip(buf_slice(out), before))) {
        out->len = before;
        return false;
    }
    *ret_type = type;
    return true;
}
