/*
 * Base64 and quoted-printable over whole texts. See encoding.h.
 *
 * Encoders write only what every transport carries: ASCII, CRLF, lines of at most 76 characters,
 * no blank at a line's end. Decoders take what they can and count the rest, because half a readable
 * attachment is better than none; whoever needs certainty uses the strict form.
 */
#include "mail/encoding.h"

#include <string.h>

enum { LINE_MAX_LEN = 76, BASE64_LINE_OCTETS = LINE_MAX_LEN / 4 * 3 };

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789ABCDEF";

void base64_encode_line(struct buf *out, struct slice input)
{
    while (input.len) {
        size_t n = input.len < 3 ? input.len : 3;
        uint32_t group = 0;
        char digits[4];

        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < n ? (unsigned char)input.ptr[i] : 0);
        for (size_t i = 0; i < 4; i++)
            digits[i] = i <= n ? base64_digits[group >> (18 - 6 * i) & 63] : '=';
        buf_add(out, digits, 4);
        input = slice_skip(input, n);
    }
}

void base64_encode(struct buf *out, struct slice input)
{
    while (input.len) {
        base64_encode_line(out, slice_sub(input, 0, BASE64_LINE_OCTETS));
        buf_add_cstr(out, "\r\n");
        input = slice_skip(input, BASE64_LINE_OCTETS);
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The octets of a group of 2 to 4 digits. */
static void put_group(struct buf *out, uint32_t group, unsigned n_digits)
{
    char octets[3];

    group <<= 6 * (4 - n_digits);
    for (size_t i = 0; i < 3; i++)
        octets[i] = (char)(group >> (16 - 8 * i));
    buf_add(out, octets, n_digits - 1);
}

void base64_decode(struct buf *out, struct slice input, size_t *ret_strange)
{
    uint32_t group = 0;
    unsigned n_digits = 0;
    size_t strange = 0;

    for (size_t i = 0; i < input.len && input.ptr[i] != '='; i++) {
        int value = base64_value(input.ptr[i]);
        if (value < 0) {
            strange += input.ptr[i] == '\0' || !strchr(" \t\r\n", input.ptr[i]);
            continue;
        }
        group = group << 6 | (uint32_t)value;
        if (++n_digits == 4) {
            put_group(out, group, 4);
            n_digits = 0;
        }
    }
    if (n_digits > 1)
        put_group(out, group, n_digits);
    if (ret_strange)
        *ret_strange = strange + (n_digits == 1);
}

bool base64_decode_strict(struct buf *out, struct slice input)
{
    size_t before = out->len;
    size_t padding = 0;

    if (input.len % 4 != 0)
        return false;
    while (padding < 2 && padding < input.len && input.ptr[input.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < input.len - padding; i++) {
        if (base64_value(input.ptr[i]) < 0)
            return false;
    }
    base64_decode(out, input, NULL);
    if (out->overflow) {
        out->len = before;
        return false;
    }
    return true;
}

static bool is_line_end(struct slice input, size_t at)
{
    return at + 1 < input.len && input.ptr[at] == '\r' && input.ptr[at + 1] == '\n';
}

/* Must this byte be written as =XX? `column` is where it would come to stand. */
static bool qp_must_encode(struct slice input, size_t at, size_t column)
{
    unsigned char c = (unsigned char)input.ptr[at];

    if (c == ' ' || c == '\t')
        return at + 1 == input.len || is_line_end(input, at + 1);
    if (c < ' ' || c > '~' || c == '=')
        return true;
    if (column > 0)
        return false;
    /* After a soft line break: it must not make a delimiter of what was none. */
    if (c == '-' && at > 0 && input.ptr[at - 1] != '\n')
        return true;
    return c == '.' || (c == 'F' && slice_eq(slice_sub(input, at, 5), SLICE("From ")));
}

void qp_encode(struct buf *out, struct slice input)
{
    size_t column = 0;

    for (size_t i = 0; i < input.len; i++) {
        bool encode;
        if (is_line_end(input, i)) {
            buf_add_cstr(out, "\r\n");
            column = 0;
            i++;
            continue;
        }
        encode = qp_must_encode(input, i, column);
        /* The last column is kept for the "=" of a soft line break. */
        if (column + (encode ? 3 : 1) > LINE_MAX_LEN - 1) {
            buf_add_cstr(out, "=\r\n");
            column = 0;
            encode = qp_must_encode(input, i, column);
        }
        if (encode) {
            unsigned char c = (unsigned char)input.ptr[i];
            char octets[3] = {'=', hex_digits[c >> 4], hex_digits[c & 15]};
            buf_add(out, octets, 3);
        } else {
            buf_add_char(out, input.ptr[i]);
        }
        column += encode ? 3 : 1;
    }
}

size_t qp_encoded_size(struct slice input)
{
    size_t size = 0;

    for (size_t i = 0; i < input.len; i++) {
        bool line_end = is_line_end(input, i);
        size += line_end ? 2 : qp_must_encode(input, i, 1) ? 3 : 1;
        i += line_end;
    }
    return size;
}

static int hex_value(char c)
{
    char lower = ascii_lower(c);

    if (ascii_is_digit(c))
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* A line without its end and without the blanks before it. True: its end is a soft one. */
static bool qp_decode_line(struct buf *out, struct slice line, size_t *strange)
{
    for (size_t i = 0; i < line.len; i++) {
        int high = i + 2 < line.len ? hex_value(line.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(line.ptr[i + 2]) : -1;
        if (line.ptr[i] != '=') {
            buf_add_char(out, line.ptr[i]);
        } else if (low >= 0) {
            buf_add_char(out, (char)(high << 4 | low));
            i += 2;
        } else if (i + 1 == line.len) {
            return true;
        } else {
            buf_add_char(out, '=');
            (*strange)++;
        }
    }
    return false;
}

void qp_decode(struct buf *out, struct slice input, size_t *ret_strange)
{
    size_t strange = 0;

    while (input.len) {
        ptrdiff_t lf = slice_find(input, '\n');
        struct slice raw = slice_sub(input, 0, lf < 0 ? input.len : (size_t)lf + 1);
        struct slice line = raw;
        size_t end_len = 0;

        if (lf >= 0) {
            end_len = line.len > 1 && line.ptr[line.len - 2] == '\r' ? 2 : 1;
            line.len -= end_len;
        }
        while (line.len && ascii_is_blank(line.ptr[line.len - 1]))
            line.len--;
        if (!qp_decode_line(out, line, &strange))
            buf_add_slice(out, slice_skip(raw, raw.len - end_len));
        input = slice_skip(input, raw.len);
    }
    if (ret_strange)
        *ret_strange = strange;
}
