/*
 * The reply parser: a line at a time out of whatever pieces the network delivers.
 *
 * Invariants: `column` counts the bytes of the line under way, of which the first four are in
 * `line`; text is added only once the line's head has been found good. Pure: no allocation beyond
 * REPLY_TEXT_MAX, no look back into earlier input.
 *
 * Deliberately strict about codes, because a client that guesses at a reply guesses about mail:
 * anything that is no reply ends the connection. Deliberately mild about a missing CR and about
 * 8-bit text, which do no harm here.
 */
#include "smtp/reply_parse.h"

#include <errno.h>

void reply_parse_init(struct reply_parse *reply)
{
    *reply = (struct reply_parse){0};
    buf_init(&reply->text, REPLY_TEXT_MAX);
}

void reply_parse_done(struct reply_parse *reply)
{
    buf_done(&reply->text);
}

void reply_parse_reset(struct reply_parse *reply)
{
    struct buf text = reply->text;

    buf_reset(&text);
    *reply = (struct reply_parse){.text = text};
}

static unsigned line_code(const char *line)
{
    if (line[0] < '2' || line[0] > '5' || !ascii_is_digit(line[1]) || !ascii_is_digit(line[2]))
        return 0;
    return (unsigned)(line[0] - '0') * 100 + (unsigned)(line[1] - '0') * 10 +
           (unsigned)(line[2] - '0');
}

/* The line's first bytes are known: code, and blank, hyphen or end. */
static int take_head(struct reply_parse *reply, char separator)
{
    unsigned code = line_code(reply->line);

    if (code == 0 || (reply->code && code != reply->code))
        return -EBADMSG;
    if (separator != ' ' && separator != '-' && separator != '\n')
        return -EBADMSG;
    if (reply->code)
        buf_add_char(&reply->text, '\n');
    reply->code = code;
    reply->last = separator != '-';
    return 0;
}

static void add_text(struct reply_parse *reply, struct slice piece)
{
    size_t room = reply->text.max - reply->text.len;
    char *to;

    if (piece.len > room || reply->text.overflow) {
        reply->cut = true;
        piece.len = reply->text.overflow ? 0 : room;
    }
    to = piece.len ? buf_reserve(&reply->text, piece.len) : NULL;
    if (!to)
        return;
    for (size_t i = 0; i < piece.len; i++) {
        unsigned char c = (unsigned char)piece.ptr[i];
        to[i] = c == '\t' ? ' ' : c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    buf_added(&reply->text, piece.len);
}

/* The bytes of the head, one by one: at most four of each line. */
static int take_head_byte(struct reply_parse *reply, char byte)
{
    if (reply->column < 3) {
        reply->line[reply->column++] = byte;
        return 0;
    }
    if (reply->cr && byte != '\n')
        return -EBADMSG;
    if (byte == '\r') {
        reply->cr = true; /* "250" CR LF: the separator is the line end to come */
        return 0;
    }
    reply->column++;
    return take_head(reply, byte);
}

/* Text up to the line end or the end of input; a CR right before either is held back. */
static struct slice take_text(struct reply_parse *reply, struct slice input)
{
    ptrdiff_t end = slice_find(input, '\n');
    struct slice text = slice_sub(input, 0, end < 0 ? input.len : (size_t)end);
    bool cr = text.len && text.ptr[text.len - 1] == '\r';

    if (reply->cr && text.len)
        add_text(reply, SLICE("\r"));
    if (text.len)
        reply->cr = cr;
    add_text(reply, slice_sub(text, 0, text.len - cr));
    return text;
}

static bool end_line(struct reply_parse *reply)
{
    reply->column = 0;
    reply->cr = false;
    return reply->last;
}

int reply_parse_add(struct reply_parse *reply, struct slice input, size_t *ret_used)
{
    size_t at = 0;

    while (at < input.len) {
        char byte = input.ptr[at];
        if (reply->column < 4) {
            if (take_head_byte(reply, byte) < 0)
                return -EBADMSG;
            at++;
            reply->seen++;
            if (reply->column < 4 || byte != '\n')
                continue;
        } else {
            struct slice text = take_text(reply, slice_skip(input, at));
            at += text.len;
            reply->seen += text.len;
            if (reply->seen > REPLY_MAX)
                return -EBADMSG;
            if (at == input.len)
                break;
            at++; /* the LF */
            reply->seen++;
        }
        if (end_line(reply)) {
            *ret_used = at;
            return REPLY_COMPLETE;
        }
    }
    *ret_used = at;
    return REPLY_MORE;
}

struct slice reply_text(const struct reply_parse *reply)
{
    return buf_slice(&reply->text);
}

void reply_add_words(struct buf *out, const struct reply_parse *reply)
{
    struct slice rest = reply_text(reply);

    buf_printf(out, "%u", reply->code);
    while (rest.ptr) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len == 0)
            continue;
        buf_add_char(out, ' ');
        buf_add_slice(out, line);
    }
    if (reply->cut)
        buf_add_cstr(out, " ...");
}
