/* Parts of sentences about events. See why_phrase.h. */
#include "control/why_phrase.h"

#include "base/utf8.h"

#include <time.h>

void why_add(struct buf *out, struct slice text)
{
    while (text.len) {
        unsigned char c = (unsigned char)text.ptr[0];
        size_t len = utf8_char_len(text);
        /* U+0080 to U+009F are control characters, too. */
        bool control = len == 2 && c == 0xc2 && (unsigned char)text.ptr[1] < 0xa0;

        if (len == 0 || c < 0x20 || c == 0x7f || control)
            buf_printf(out, "\\x%02x", c);
        else
            buf_add(out, text.ptr, len);
        text = slice_skip(text, len == 0 || control ? 1 : len);
    }
}

void phrase_field(struct buf *out, const struct event *event, const char *before, const char *key,
                  const char *after)
{
    struct slice value = event_field(event, key);

    if (!value.len)
        return;
    buf_add_cstr(out, before);
    why_add(out, value);
    buf_add_cstr(out, after);
}

void phrase_path(struct buf *out, const struct event *event, const char *before, const char *key)
{
    buf_add_cstr(out, before);
    buf_add_char(out, '<');
    why_add(out, event_field(event, key));
    buf_add_char(out, '>');
}

void phrase_duration(struct buf *out, const struct event *event)
{
    uint64_t ms = event_number(event, "ms");

    if (event_has(event, "ms"))
        buf_printf(out, " after %llu.%02llu s", (unsigned long long)(ms / 1000),
                   (unsigned long long)(ms % 1000 / 10));
}

void phrase_code(struct buf *out, const struct event *event)
{
    phrase_field(out, event, ": ", "code", "");
    phrase_field(out, event, " ", "status", "");
    phrase_field(out, event, " ", "text", "");
}

void phrase_rule(struct buf *out, const struct event *event)
{
    phrase_field(out, event, ", decided by ", "rule", "");
}

void phrase_time(struct buf *out, const struct event *event, const char *before, const char *key)
{
    struct slice text = event_field(event, key);
    uint64_t ms;
    time_t seconds;
    struct tm moment;
    char local[40];

    if (!text.len)
        return;
    buf_add_cstr(out, before);
    if (!event_read_time(text, &ms)) {
        why_add(out, text);
        return;
    }
    seconds = (time_t)(ms / 1000);
    localtime_r(&seconds, &moment);
    (void)strftime(local, sizeof(local), "%Y-%m-%d %H:%M:%S", &moment);
    buf_add_cstr(out, local);
}
