/*
 * UTF-8 by the table of RFC 3629 section 4: the first octet gives the length and the bounds of the
 * second one, which is where overlong forms, surrogates and numbers above U+10FFFF show.
 *
 * Does not normalise, and knows no properties of characters.
 */
#include "base/utf8.h"

static const struct {
    unsigned char first_min, first_max, second_min, second_max;
    unsigned char len;
} forms[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static unsigned char octet(struct slice s, size_t at)
{
    return (unsigned char)s.ptr[at];
}

/* Of a form with at least two octets, of which the first fits. */
static bool rest_fits(struct slice s, size_t form)
{
    if (s.len < forms[form].len || octet(s, 1) < forms[form].second_min ||
        octet(s, 1) > forms[form].second_max)
        return false;
    for (size_t i = 2; i < forms[form].len; i++) {
        if ((octet(s, i) & 0xc0) != 0x80)
            return false;
    }
    return true;
}

size_t utf8_char_len(struct slice s)
{
    if (s.len == 0)
        return 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (octet(s, 0) < forms[i].first_min || octet(s, 0) > forms[i].first_max)
            continue;
        return forms[i].len == 1 || rest_fits(s, i) ? forms[i].len : 0;
    }
    return 0;
}

uint32_t utf8_char_value(struct slice s)
{
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t len = utf8_char_len(s);
    uint32_t value = len ? octet(s, 0) & first_bits[len] : 0;

    for (size_t i = 1; i < len; i++)
        value = value << 6 | (octet(s, i) & 0x3f);
    return value;
}

bool utf8_is_valid(struct slice s)
{
    while (s.len) {
        size_t len = utf8_char_len(s);
        if (len == 0)
            return false;
        s = slice_skip(s, len);
    }
    return true;
}

bool utf8_is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (octet(s, i) > 127)
            return false;
    }
    return true;
}

size_t utf8_put(char ret_octets[static 4], uint32_t value)
{
    static const unsigned char first_marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;

    for (size_t i = len; i-- > 1; value >>= 6)
        ret_octets[i] = (char)(0x80 | (value & 0x3f));
    ret_octets[0] = (char)(first_marks[len] | value);
    return len;
}
