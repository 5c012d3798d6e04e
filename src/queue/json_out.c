/* See json_out.h. */
#include "queue/json_out.h"

#include "base/utf8.h"

#include <string.h>

enum { DIGITS_MAX = 20 };

void json_out_key(struct buf *out, const char *key)
{
    if (out->len && out->ptr[out->len - 1] != '{')
        buf_add_char(out, ',');
    buf_add_char(out, '"');
    buf_add(out, key, strlen(key));
    buf_add(out, "\":", 2);
}

static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* One character that does not stand for itself; returns its length in the text. */
static size_t put_special(struct buf *out, struct slice text)
{
    size_t len = utf8_char_len(text);

    if (len > 1) {
        buf_add(out, text.ptr, len);
        return len;
    }
    if (len == 0 || text.ptr[0] == '\0')
        buf_add_cstr(out, "\xef\xbf\xbd");
    else if (text.ptr[0] == '"' || text.ptr[0] == '\\')
        buf_printf(out, "\\%c", text.ptr[0]);
    else
        buf_printf(out, "\\u%04x", (unsigned)(unsigned char)text.ptr[0]);
    return 1;
}

void json_out_text(struct buf *out, const char *key, struct slice text)
{
    size_t plain = 0;

    json_out_key(out, key);
    buf_add_char(out, '"');
    while (text.len) {
        for (plain = 0; plain < text.len && is_plain(text.ptr[plain]); plain++)
            ;
        buf_add(out, text.ptr, plain);
        text = slice_skip(text, plain);
        if (text.len)
            text = slice_skip(text, put_special(out, text));
    }
    buf_add_char(out, '"');
}

void json_out_text_if(struct buf *out, const char *key, struct slice text)
{
    if (text.len)
        json_out_text(out, key, text);
}

static void put_digits(struct buf *out, uint64_t number)
{
    char digits[DIGITS_MAX];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    buf_add(out, digits + at, sizeof(digits) - at);
}

void json_out_number(struct buf *out, const char *key, uint64_t number)
{
    json_out_key(out, key);
    put_digits(out, number);
}

void json_out_signed(struct buf *out, const char *key, int64_t number)
{
    json_out_key(out, key);
    if (number < 0)
        buf_add_char(out, '-');
    put_digits(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void json_out_true(struct buf *out, const char *key)
{
    json_out_key(out, key);
    buf_add(out, "true", 4);
}
