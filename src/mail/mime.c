/*
 * The structure of a MIME message by one walk over its lines. See mime.h.
 *
 * There is always one current part: the one whose header section or body the walk is in. The
 * multiparts that are open are among its ancestors; a line that is the delimiter of one of them
 * (innermost first) ends everything below it. So a missing closing delimiter costs nothing, and
 * nothing recurses. A line is a delimiter when it is nothing but that, blanks at its end aside: a
 * boundary that begins like another one is not taken for it.
 *
 * Leniency: the first Content-Type counts, and one that cannot be read is text/plain (RFC 2045
 * section 5.2). Parameters in continuations (RFC 2231) are not put together; no mailer splits a
 * boundary.
 */
#include "mail/mime.h"
#include "base/buf.h"
#include "mail/header.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    struct slice in;
    size_t at;
    struct arena *arena;
    struct mime_part *parts;
    uint32_t n;
    uint32_t room;
    uint32_t current;
    bool in_header;
};

static bool is_space(char c)
{
    return ascii_is_blank(c) || c == '\r' || c == '\n';
}

/* Blanks, line ends and comments; an open comment takes all that is left. */
static struct slice skip_cfws(struct slice rest)
{
    size_t depth = 0;

    while (rest.len && (depth || is_space(rest.ptr[0]) || rest.ptr[0] == '(')) {
        char c = rest.ptr[0];
        if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
        rest = slice_skip(rest, c == '\\' ? 2 : 1);
    }
    return rest;
}

static struct slice take_token(struct slice *rest)
{
    struct slice token = skip_cfws(*rest);
    size_t len = 0;

    while (len < token.len && token.ptr[len] > ' ' && token.ptr[len] < 127 &&
           !strchr("()<>@,;:\\\"/[]?=", token.ptr[len]))
        len++;
    *rest = slice_skip(token, len);
    token.len = len;
    return token;
}

bool mime_parse_type(struct slice value, struct mime_type *ret_type)
{
    struct mime_type type;

    type.type = take_token(&value);
    value = skip_cfws(value);
    if (type.type.len == 0 || value.len == 0 || value.ptr[0] != '/')
        return false;
    value = slice_skip(value, 1);
    type.subtype = take_token(&value);
    if (type.subtype.len == 0)
        return false;
    value = skip_cfws(value);
    type.params = value.len && value.ptr[0] == ';' ? slice_skip(value, 1) : SLICE_NULL;
    *ret_type = type;
    return true;
}

/* The raw text of a value at the beginning of *rest, with its quotes. Without quotes it goes on to
 * the next blank or ";": too many mailers forget them. */
static struct slice take_value(struct slice *rest)
{
    struct slice value = skip_cfws(*rest);
    size_t len = 0;

    if (value.len && value.ptr[0] == '"') {
        for (len = 1; len < value.len && value.ptr[len] != '"'; len++)
            len += value.ptr[len] == '\\';
        len++;
    } else {
        while (len < value.len && !is_space(value.ptr[len]) && value.ptr[len] != ';')
            len++;
    }
    *rest = slice_skip(value, len);
    return slice_sub(value, 0, len);
}

static struct slice unquote(struct arena *arena, struct slice value)
{
    char *to;
    size_t len = 0;

    if (value.len == 0 || value.ptr[0] != '"')
        return value;
    to = arena_alloc(arena, value.len);
    for (size_t i = 1; i < value.len && value.ptr[i] != '"'; i++) {
        if (value.ptr[i] == '\\' && i + 1 < value.len)
            i++;
        if (value.ptr[i] != '\r' && value.ptr[i] != '\n')
            to[len++] = value.ptr[i];
    }
    return slice_from(to, len);
}

bool mime_next_param(struct slice *params, struct mime_param_text *ret_param)
{
    struct mime_param_text param = {0};

    while (params->len && (is_space(params->ptr[0]) || params->ptr[0] == ';'))
        *params = slice_skip(*params, 1);
    if (params->len == 0)
        return false;
    param.name = take_token(params);
    *params = skip_cfws(*params);
    if (params->len && params->ptr[0] == '=') {
        *params = slice_skip(*params, 1);
        param.value = take_value(params);
    } else {
        param.name = SLICE_NULL;
    }
    /* What else stands before the next one is nothing that we understand. */
    while (params->len && params->ptr[0] != ';')
        *params = slice_skip(*params, 1);
    *ret_param = param;
    return true;
}

bool mime_param(struct arena *arena, struct slice params, struct slice name,
                struct slice *ret_value)
{
    struct mime_param_text param;

    while (mime_next_param(&params, &param)) {
        if (slice_eq_nocase(param.name, name)) {
            *ret_value = unquote(arena, param.value);
            return true;
        }
    }
    return false;
}

enum mime_encoding mime_parse_encoding(struct slice value)
{
    static const struct {
        struct slice name;
        enum mime_encoding encoding;
    } known[] = {
        {SLICE_INIT("7bit"), MIME_7BIT},
        {SLICE_INIT("8bit"), MIME_8BIT},
        {SLICE_INIT("binary"), MIME_BINARY},
        {SLICE_INIT("quoted-printable"), MIME_QUOTED_PRINTABLE},
        {SLICE_INIT("base64"), MIME_BASE64},
    };
    struct slice token = take_token(&value);

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (slice_eq_nocase(token, known[i].name))
            return known[i].encoding;
    }
    return token.len ? MIME_UNKNOWN : MIME_7BIT;
}

bool mime_type_is(const struct mime_part *part, const char *type, const char *subtype)
{
    return slice_eq_nocase(part->type, slice_from_cstr(type)) &&
           (!subtype || slice_eq_nocase(part->subtype, slice_from_cstr(subtype)));
}

static bool is_plain_encoding(enum mime_encoding encoding)
{
    return encoding == MIME_7BIT || encoding == MIME_8BIT || encoding == MIME_BINARY;
}

static void set_default_type(const struct walk *walk, struct mime_part *part)
{
    bool digest = part->parent != MIME_NO_PART &&
                  walk->parts[part->parent].kind == MIME_MULTIPART &&
                  mime_type_is(&walk->parts[part->parent], "multipart", "digest");

    part->type = digest ? SLICE("message") : SLICE("text");
    part->subtype = digest ? SLICE("rfc822") : SLICE("plain");
}

/* What the header section of the part says of its body. */
static void classify(const struct walk *walk, struct mime_part *part)
{
    struct slice header = slice_sub(walk->in, part->start, part->body - part->start);
    struct header_field field;
    struct mime_type type = {0};

    if (header_find(header, SLICE("Content-Transfer-Encoding"), &field))
        part->encoding = mime_parse_encoding(field.value);
    set_default_type(walk, part);
    if (header_find(header, SLICE("Content-Type"), &field) && mime_parse_type(field.value, &type)) {
        part->type = type.type;
        part->subtype = type.subtype;
        mime_param(walk->arena, type.params, SLICE("charset"), &part->charset);
    }
    if (mime_type_is(part, "multipart", NULL)) {
        mime_param(walk->arena, type.params, SLICE("boundary"), &part->boundary);
        while (part->boundary.len && is_space(part->boundary.ptr[part->boundary.len - 1]))
            part->boundary.len--;
        if (part->boundary.len && part->boundary.len <= MIME_BOUNDARY_MAX) {
            part->kind = MIME_MULTIPART;
            part->unterminated = true;
        }
    } else if (mime_type_is(part, "message", "rfc822") && is_plain_encoding(part->encoding)) {
        part->kind = MIME_MESSAGE;
    }
}

static int open_part(struct walk *walk, uint32_t parent, size_t start)
{
    struct mime_part part = {.start = start, .body = start, .end = start, .parent = parent};

    if (parent != MIME_NO_PART)
        part.depth = walk->parts[parent].depth + 1;
    if (part.depth > MIME_DEPTH_MAX)
        return MIME_TOO_DEEP;
    if (walk->n == MIME_PARTS_MAX)
        return MIME_TOO_MANY;
    if (walk->n == walk->room) {
        walk->room = walk->room ? walk->room * 2 : 8;
        walk->parts = xrealloc(walk->parts, walk->room * sizeof(part));
    }
    walk->parts[walk->n] = part;
    walk->current = walk->n++;
    walk->in_header = true;
    return 0;
}

/* The header section of the current part has ended; its body begins here. */
static int begin_body(struct walk *walk, size_t at)
{
    struct mime_part *part = &walk->parts[walk->current];

    part->body = at;
    walk->in_header = false;
    classify(walk, part);
    return part->kind == MIME_MESSAGE ? open_part(walk, walk->current, at) : 0;
}

/* All parts from the current one up to `ancestor`, but not that, end here. */
static int close_parts(struct walk *walk, uint32_t ancestor, size_t end)
{
    while (walk->in_header) {
        size_t start = walk->parts[walk->current].start;
        int r = begin_body(walk, end > start ? end : start);
        if (r)
            return r;
    }
    for (; walk->current != ancestor; walk->current = walk->parts[walk->current].parent) {
        struct mime_part *part = &walk->parts[walk->current];
        /* An empty body gave its only line end to the empty line before it; and no part ends before
         * those within it. */
        end = end > part->body ? end : part->body;
        part->end = end;
    }
    return 0;
}

/* Is the line the delimiter of this multipart, without or with the closing "--"? */
static bool is_delimiter(const struct mime_part *part, struct slice line, bool *ret_closing)
{
    struct slice rest = slice_skip(line, 2 + part->boundary.len);

    if (part->kind != MIME_MULTIPART || !part->unterminated ||
        !slice_eq(slice_sub(line, 2, part->boundary.len), part->boundary))
        return false;
    *ret_closing = slice_starts_with_nocase(rest, SLICE("--"));
    return slice_trim(slice_skip(rest, *ret_closing ? 2 : 0)).len == 0;
}

/* The open multipart that the line delimits, or MIME_NO_PART. */
static uint32_t find_delimited(const struct walk *walk, struct slice line, bool *ret_closing)
{
    uint32_t part = walk->current;

    if (line.len < 3 || line.ptr[0] != '-' || line.ptr[1] != '-')
        return MIME_NO_PART;
    while (part != MIME_NO_PART && !is_delimiter(&walk->parts[part], line, ret_closing))
        part = walk->parts[part].parent;
    return part;
}

/* The line end before a delimiter belongs to it. */
static size_t before_line_end(struct slice in, size_t at)
{
    if (at > 0 && in.ptr[at - 1] == '\n')
        at -= at > 1 && in.ptr[at - 2] == '\r' ? 2 : 1;
    return at;
}

static int take_delimiter(struct walk *walk, uint32_t owner, bool closing, size_t next)
{
    int r = close_parts(walk, owner, before_line_end(walk->in, walk->at));

    if (r)
        return r;
    if (closing) {
        walk->parts[owner].unterminated = false;
        return 0;
    }
    return open_part(walk, owner, next);
}

static bool any_open(const struct walk *walk)
{
    for (uint32_t i = walk->current; i != MIME_NO_PART; i = walk->parts[i].parent) {
        if (walk->parts[i].unterminated)
            return true;
    }
    return false;
}

/* In a body only lines that begin with "--" are of interest. */
static size_t next_candidate(const struct walk *walk, size_t line_end)
{
    const char *found;

    if (walk->in_header || line_end == 0)
        return line_end;
    if (!any_open(walk))
        return walk->in.len;
    found = memmem(walk->in.ptr + line_end - 1, walk->in.len - line_end + 1, "\n--", 3);
    return found ? (size_t)(found - walk->in.ptr) + 1 : walk->in.len;
}

static int take_line(struct walk *walk)
{
    ptrdiff_t lf = slice_find(slice_skip(walk->in, walk->at), '\n');
    size_t next = lf < 0 ? walk->in.len : walk->at + (size_t)lf + 1;
    struct slice line = slice_sub(walk->in, walk->at, next - walk->at);
    bool closing = false;
    uint32_t owner = find_delimited(walk, line, &closing);
    int r = 0;

    if (owner != MIME_NO_PART)
        r = take_delimiter(walk, owner, closing, next);
    else if (walk->in_header && (slice_eq(line, SLICE("\r\n")) || slice_eq(line, SLICE("\n"))))
        r = begin_body(walk, next);
    if (r == 0)
        walk->at = next_candidate(walk, next);
    return r;
}

int mime_parse(struct slice message, struct arena *arena, struct mime_tree *ret_tree)
{
    struct walk walk = {.in = message, .arena = arena};
    int r = open_part(&walk, MIME_NO_PART, 0);

    while (r == 0 && walk.at < message.len)
        r = take_line(&walk);
    if (r == 0)
        r = close_parts(&walk, MIME_NO_PART, message.len);
    if (r == 0) {
        ret_tree->parts = arena_alloc(arena, walk.n * sizeof(walk.parts[0]));
        memcpy(ret_tree->parts, walk.parts, walk.n * sizeof(walk.parts[0]));
        ret_tree->n = walk.n;
    }
    free(walk.parts);
    return r;
}
