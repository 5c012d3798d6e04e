/*
 * Writing replies. See reply.h.
 *
 * A line is code, '-' or ' ', enhanced code, text. The enhanced code stands on every line of a
 * multiline reply (RFC 2034 section 4). Lines are not broken here: RFC 5321 section 4.5.3.1.5
 * allows 512 octets, and the texts that are built from input cut it themselves.
 */
#include "smtp/reply.h"

#include <stdarg.h>

enum { TEXT_MAX = 480 }; /* octets of one line's text, so that the line stays below 512 */

struct smtp_reply smtp_reply_format(struct arena *arena, uint16_t code, struct status status,
                                    const char *format, ...)
{
    struct buf text;
    struct smtp_reply reply = {.code = code, .status = status};
    va_list args;

    buf_init(&text, SIZE_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    reply.text = arena_dup(arena, buf_slice(&text));
    buf_done(&text);
    return reply;
}

static void write_text(struct buf *out, struct slice line)
{
    size_t len = line.len < TEXT_MAX ? line.len : TEXT_MAX;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        buf_add_char(out, c < 0x20 || c == 0x7f ? '?' : line.ptr[i]);
    }
}

void smtp_reply_write(struct buf *out, const struct smtp_reply *reply)
{
    struct slice rest = reply->text.ptr ? reply->text : SLICE("");

    if (reply->code == 0)
        return;
    while (rest.ptr) {
        struct slice line = slice_cut(&rest, '\n');
        buf_printf(out, "%03u%c", reply->code, rest.ptr ? '-' : ' ');
        if (reply->status.class) {
            buf_add_cstr(out, status_format(reply->status).text);
            buf_add_char(out, ' ');
        }
        write_text(out, line);
        buf_add(out, "\r\n", 2);
    }
}
