/*
 * Canonicalisation. See dkim_canon.h.
 *
 * Bodies go through by the run: as long as lines end in CRLF and relaxed has nothing to change in
 * them, they are looked at eight bytes at a time and handed on as they lie, many lines at once.
 * What needs work, and what is cut by the edge of a piece, goes through a small buffer.
 *
 * Line ends are held back until content follows, so that those at the end never go out: sections
 * 3.4.3 and 3.4.4 differ in what then closes the body, and in nothing else about line ends. It is a
 * number that is held, whatever it grows to.
 */
#include "trust/dkim_canon.h"

#include <string.h>

enum { DIRECT_MIN = 512 }; /* from here on a piece is handed on without a copy */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- header fields -------------------------------------------------------------------------- */

/* Length of a line end here: 1, 2, or 0. */
static size_t line_end_at(struct slice text, size_t at)
{
    if (text.ptr[at] == '\n')
        return 1;
    return text.ptr[at] == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n' ? 2 : 0;
}

static void relax_name(struct slice name, struct buf *out)
{
    while (name.len && is_blank(name.ptr[name.len - 1]))
        name.len--;
    for (size_t i = 0; i < name.len; i++)
        buf_add_char(out, ascii_lower(name.ptr[i]));
}

/* Unfolded, blanks as one space, none at either end. */
static void relax_value(struct slice value, struct buf *out)
{
    char *to = buf_reserve(out, value.len + 1);
    size_t len = 0;
    bool blank = false;

    for (size_t i = 0; to && i < value.len; i++) {
        size_t end = line_end_at(value, i);
        if (end) {
            i += end - 1;
        } else if (is_blank(value.ptr[i])) {
            blank = true;
        } else {
            if (blank && len)
                to[len++] = ' ';
            blank = false;
            to[len++] = value.ptr[i];
        }
    }
    buf_added(out, len);
}

static void copy_lines(struct slice raw, struct buf *out)
{
    while (raw.len) {
        ptrdiff_t lf = slice_find(raw, '\n');
        struct slice line = lf < 0 ? raw : slice_sub(raw, 0, (size_t)lf);
        raw = slice_skip(raw, lf < 0 ? raw.len : (size_t)lf + 1);
        if (lf > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        buf_add_slice(out, line);
        buf_add_cstr(out, "\r\n");
    }
}

void dkim_canon_field(enum dkim_canon canon, struct slice raw, struct buf *out)
{
    struct slice value = raw;

    if (canon == DKIM_SIMPLE) {
        copy_lines(raw, out);
        return;
    }
    relax_name(slice_cut(&value, ':'), out);
    buf_add_char(out, ':');
    relax_value(value, out);
    buf_add_cstr(out, "\r\n");
}

/* ---- bodies --------------------------------------------------------------------------------- */

void dkim_canon_body_init(struct dkim_canon_body *body, enum dkim_canon canon,
                          void (*take)(void *arg, struct slice canonical), void *arg)
{
    body->canon = canon;
    body->take = take;
    body->arg = arg;
    body->size = body->ends = 0;
    body->in_line = body->blank = body->cr = body->has_content = false;
    body->n_held = 0;
}

static void hand_on_held(struct dkim_canon_body *body)
{
    if (body->n_held)
        body->take(body->arg, slice_from(body->held, body->n_held));
    body->n_held = 0;
}

static void put(struct dkim_canon_body *body, struct slice text)
{
    body->size += text.len;
    if (text.len < DIRECT_MIN) {
        if (text.len > sizeof(body->held) - body->n_held)
            hand_on_held(body);
        memcpy(body->held + body->n_held, text.ptr, text.len);
        body->n_held += text.len;
        return;
    }
    hand_on_held(body);
    body->take(body->arg, text);
}

/* Content follows: the line ends before it are no last ones. */
static void put_ends(struct dkim_canon_body *body)
{
    static const char ends[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

    while (body->ends) {
        size_t n = body->ends < 16 ? (size_t)body->ends : 16;
        put(body, slice_from(ends, 2 * n));
        body->ends -= n;
    }
    body->has_content = true;
}

static void put_relaxed(struct dkim_canon_body *body, struct slice text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t word = at;
        while (at < text.len && !is_blank(text.ptr[at]))
            at++;
        if (at > word) {
            if (body->blank)
                put(body, SLICE(" "));
            put(body, slice_sub(text, word, at - word));
            body->blank = false;
        }
        while (at < text.len && is_blank(text.ptr[at])) {
            body->blank = true;
            at++;
        }
    }
}

/* A part of a line, without its end. */
static void take_content(struct dkim_canon_body *body, struct slice text)
{
    if (body->canon == DKIM_RELAXED && !body->in_line) {
        size_t blanks = 0;
        while (blanks < text.len && is_blank(text.ptr[blanks]))
            blanks++;
        body->blank |= blanks > 0;
        text = slice_skip(text, blanks);
    }
    if (text.len == 0)
        return;
    if (!body->in_line)
        put_ends(body);
    body->in_line = true;
    if (body->canon == DKIM_RELAXED)
        put_relaxed(body, text);
    else
        put(body, text);
}

static void end_line(struct dkim_canon_body *body)
{
    body->in_line = body->blank = body->cr = false;
    body->ends++;
}

#define EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

/* The high bit of each byte of `word` that is `c`, exactly. */
static uint64_t bytes_equal(uint64_t word, char c)
{
    uint64_t x = word ^ EACH_BYTE((unsigned char)c);

    return ~(((x & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | x) & EACH_BYTE(0x80);
}

/* Does relaxed leave this line as it is: no tab, no two spaces together, none at its end? */
static bool is_relaxed(struct slice line)
{
    uint64_t before = 0; /* the last byte was a space */
    size_t at = 0;

    for (; at + 8 <= line.len; at += 8) {
        uint64_t word, spaces;
        memcpy(&word, line.ptr + at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        spaces = bytes_equal(word, ' ');
        if ((spaces & (spaces << 8 | before)) | bytes_equal(word, '\t'))
            return false;
        before = spaces >> 56;
    }
    for (; at < line.len; at++) {
        if (line.ptr[at] == '\t' || (line.ptr[at] == ' ' && before))
            return false;
        before = line.ptr[at] == ' ' ? 0x80 : 0;
    }
    return before == 0;
}

/* Whole lines at the beginning of `text` that are canonical as they stand, of a body that is
 * between two lines. Returns their size. */
static size_t take_run(struct dkim_canon_body *body, struct slice text)
{
    size_t at = 0, content = 0;
    uint64_t ends = 0;

    while (at < text.len) {
        const char *lf = memchr(text.ptr + at, '\n', text.len - at);
        size_t end = lf ? (size_t)(lf - text.ptr) : 0;
        if (!lf || end == at || text.ptr[end - 1] != '\r')
            break;
        if (end - 1 > at) {
            if (body->canon == DKIM_RELAXED && !is_relaxed(slice_sub(text, at, end - 1 - at)))
                break;
            content = end - 1;
            ends = 0;
        }
        ends++;
        at = end + 1;
    }
    if (content) {
        put_ends(body);
        put(body, slice_sub(text, 0, content));
    }
    body->ends += ends;
    return at;
}

/* What is left of a line, or all of it. Returns how much that was. */
static size_t take_line(struct dkim_canon_body *body, struct slice text)
{
    const char *lf = memchr(text.ptr, '\n', text.len);
    struct slice line = slice_sub(text, 0, lf ? (size_t)(lf - text.ptr) : text.len);
    bool cr = line.len && line.ptr[line.len - 1] == '\r';

    if (cr)
        line.len--;
    take_content(body, line);
    if (lf)
        end_line(body);
    else
        body->cr = cr;
    return lf ? (size_t)(lf - text.ptr) + 1 : text.len;
}

void dkim_canon_body_feed(struct dkim_canon_body *body, struct slice piece)
{
    if (piece.len && body->cr) {
        body->cr = false;
        if (piece.ptr[0] != '\n')
            take_content(body, SLICE("\r"));
    }
    while (piece.len) {
        if (!body->in_line && !body->blank)
            piece = slice_skip(piece, take_run(body, piece));
        if (piece.len)
            piece = slice_skip(piece, take_line(body, piece));
    }
}

void dkim_canon_body_end(struct dkim_canon_body *body)
{
    if (body->cr)
        take_content(body, SLICE("\r"));
    if (body->has_content || body->canon == DKIM_SIMPLE)
        put(body, SLICE("\r\n"));
    hand_on_held(body);
}
