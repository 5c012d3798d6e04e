/*
 * One header field with 8-bit bytes or over-long lines, written anew in ASCII. See
 * reencode_header.h.
 *
 * The field's name decides what may be done with its value. A field that is not known is taken to
 * be unstructured, which is what RFC 5322 section 3.6.8 says of optional fields. The words that are
 * encoded are whole ones (from blank to blank, from quote to quote), because an encoded word must
 * not touch anything else; blanks between two of them go into the second, since readers drop them
 * there (RFC 2047 section 6.2).
 */
#include "mail/reencode_header.h"
#include "base/utf8.h"
#include "mail/header.h"
#include "mail/headerwrite.h"
#include "mail/mime.h"
#include "mail/reencode.h"

#include <string.h>

/* A line that cannot be folded below this does not go: room for a blank and a name. */
enum { WORD_MAX = 900 };

enum field_class { TEXT, ADDRESSES, PARAMETERS, UNTOUCHABLE };

static enum field_class class_of(struct slice name)
{
    static const struct {
        struct slice name; /* "-" at its end: all names that begin so */
        enum field_class class;
    } known[] = {
        {SLICE_INIT("From"), ADDRESSES},
        {SLICE_INIT("Sender"), ADDRESSES},
        {SLICE_INIT("Reply-To"), ADDRESSES},
        {SLICE_INIT("To"), ADDRESSES},
        {SLICE_INIT("Cc"), ADDRESSES},
        {SLICE_INIT("Bcc"), ADDRESSES},
        {SLICE_INIT("Resent-From"), ADDRESSES},
        {SLICE_INIT("Resent-Sender"), ADDRESSES},
        {SLICE_INIT("Resent-Reply-To"), ADDRESSES},
        {SLICE_INIT("Resent-To"), ADDRESSES},
        {SLICE_INIT("Resent-Cc"), ADDRESSES},
        {SLICE_INIT("Resent-Bcc"), ADDRESSES},
        {SLICE_INIT("Disposition-Notification-To"), ADDRESSES},
        {SLICE_INIT("Return-Receipt-To"), ADDRESSES},
        {SLICE_INIT("Errors-To"), ADDRESSES},
        {SLICE_INIT("Mail-Followup-To"), ADDRESSES},
        {SLICE_INIT("Content-Type"), PARAMETERS},
        {SLICE_INIT("Content-Disposition"), PARAMETERS},
        {SLICE_INIT("Content-Transfer-Encoding"), UNTOUCHABLE},
        {SLICE_INIT("Content-ID"), UNTOUCHABLE},
        {SLICE_INIT("MIME-Version"), UNTOUCHABLE},
        {SLICE_INIT("Received"), UNTOUCHABLE},
        {SLICE_INIT("Return-Path"), UNTOUCHABLE},
        {SLICE_INIT("Delivered-To"), UNTOUCHABLE},
        {SLICE_INIT("Date"), UNTOUCHABLE},
        {SLICE_INIT("Message-ID"), UNTOUCHABLE},
        {SLICE_INIT("In-Reply-To"), UNTOUCHABLE},
        {SLICE_INIT("References"), UNTOUCHABLE},
        {SLICE_INIT("Resent-Date"), UNTOUCHABLE},
        {SLICE_INIT("Resent-Message-ID"), UNTOUCHABLE},
        {SLICE_INIT("DKIM-Signature"), UNTOUCHABLE},
        {SLICE_INIT("Authentication-Results"), UNTOUCHABLE},
        {SLICE_INIT("ARC-"), UNTOUCHABLE},
        {SLICE_INIT("List-"), UNTOUCHABLE},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct slice k = known[i].name;
        if (k.ptr[k.len - 1] == '-' ? slice_starts_with_nocase(name, k) : slice_eq_nocase(name, k))
            return known[i].class;
    }
    return TEXT;
}

static bool is_sevenbit(struct slice text)
{
    return utf8_is_ascii(text) && slice_find(text, '\0') < 0;
}

/* A value on its way out, piece by piece. */
struct writing {
    struct buf *out;
    size_t line_start; /* offset in `out` */
    bool begun;
    bool after_encoded;
};

static size_t column(const struct writing *w)
{
    return w->out->len - w->line_start;
}

/* A piece of plain text behind its blanks, on a line of its own if it does not fit. */
static bool put_plain(struct writing *w, struct slice blanks, struct slice piece)
{
    if (piece.len > WORD_MAX)
        return false;
    if (!w->begun)
        blanks = SLICE(" ");
    w->begun = true;
    if (column(w) + blanks.len + piece.len > WORD_MAX && blanks.len) {
        buf_add_cstr(w->out, "\r\n");
        w->line_start = w->out->len;
        blanks = SLICE(" ");
    }
    buf_add_slice(w->out, slice_sub(blanks, 0, WORD_MAX));
    buf_add_slice(w->out, piece);
    w->after_encoded = false;
    return column(w) <= REENCODE_LINE_MAX;
}

static void put_encoded(struct writing *w, struct slice blanks, struct slice text)
{
    /* The blank that the reader drops between two encoded words. */
    struct slice both = slice_from(text.ptr - blanks.len, text.len + blanks.len);
    size_t last_line;

    headerwrite_encoded_words(w->out, w->after_encoded ? both : text, column(w));
    last_line = (size_t)(slice_find_last(buf_slice(w->out), '\n') + 1);
    w->line_start = last_line > w->line_start ? last_line : w->line_start;
    w->after_encoded = true;
    w->begun = true;
}

static struct slice take_blanks(struct slice *rest)
{
    size_t len = 0;
    struct slice blanks;

    while (len < rest->len && ascii_is_blank(rest->ptr[len]))
        len++;
    blanks = slice_sub(*rest, 0, len);
    *rest = slice_skip(*rest, len);
    return blanks;
}

/* Of an unstructured value: what is not blank. */
static struct slice take_word(struct slice *rest)
{
    size_t len = 0;
    struct slice word;

    while (len < rest->len && !ascii_is_blank(rest->ptr[len]))
        len++;
    word = slice_sub(*rest, 0, len);
    *rest = slice_skip(*rest, len);
    return word;
}

static bool put_text(struct writing *w, struct slice value)
{
    while (value.len) {
        struct slice blanks = take_blanks(&value);
        struct slice word = take_word(&value);
        if (!is_sevenbit(word))
            put_encoded(w, blanks, word);
        else if (!put_plain(w, blanks, word))
            return false;
    }
    return true;
}

enum piece_kind { ATOM, QUOTED, COMMENT_TEXT, SPECIAL };

/* State of walking over an address list: encoded words are fine in a phrase or a comment. */
struct phrase_walk {
    unsigned comment_depth;
    bool in_angle;
    bool in_domain;
};

/* The next piece behind the blanks: a quoted string, a special byte, or a run of others. */
static struct slice take_piece(const struct phrase_walk *walk, struct slice *rest,
                               enum piece_kind *ret_kind)
{
    struct slice text = *rest;
    const char *stops = walk->comment_depth ? "()\\ \t" : "()<>[]:;@\\,.\" \t";
    size_t len = 0;

    *ret_kind = walk->comment_depth ? COMMENT_TEXT : ATOM;
    if (!walk->comment_depth && text.ptr[0] == '"') {
        for (len = 1; len < text.len && text.ptr[len] != '"'; len++)
            len += text.ptr[len] == '\\';
        len++;
        *ret_kind = QUOTED;
    } else {
        while (len < text.len && (text.ptr[len] == '\0' || !strchr(stops, text.ptr[len])))
            len++;
        if (len == 0) {
            *ret_kind = SPECIAL;
            len = text.ptr[0] == '\\' ? 2 : 1;
        }
    }
    text = slice_sub(text, 0, len);
    *rest = slice_skip(*rest, text.len);
    return text;
}

static void enter(struct phrase_walk *walk, char special)
{
    if (special == '(')
        walk->comment_depth++;
    else if (special == ')' && walk->comment_depth)
        walk->comment_depth--;
    if (walk->comment_depth)
        return;
    if (special == '<' || special == '>')
        walk->in_angle = special == '<';
    if (strchr("<>@,:;", special))
        walk->in_domain = special == '@';
}

/* May an 8-bit word stand here? What touches a dot or comes before "@" is an address. */
static bool is_in_phrase(const struct phrase_walk *walk, struct slice before, struct slice rest)
{
    if (walk->comment_depth)
        return true;
    if (walk->in_angle || walk->in_domain || (before.len && before.ptr[before.len - 1] == '.'))
        return false;
    if (rest.len && rest.ptr[0] == '.')
        return false;
    take_blanks(&rest);
    return rest.len == 0 || rest.ptr[0] != '@';
}

static struct slice strip_quotes(struct slice quoted)
{
    quoted = slice_skip(quoted, 1);
    if (quoted.len && quoted.ptr[quoted.len - 1] == '"')
        quoted.len--;
    return quoted;
}

/* Backslashes only hide what needs hiding within quotes; an encoded word needs none. */
static void put_encoded_quoted(struct writing *w, struct slice quoted)
{
    struct slice text = strip_quotes(quoted);
    struct buf plain;

    buf_init(&plain, text.len + 1);
    if (w->after_encoded)
        buf_add_char(&plain, ' ');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len)
            i++;
        buf_add_char(&plain, text.ptr[i]);
    }
    put_encoded(w, SLICE_NULL, buf_slice(&plain));
    buf_done(&plain);
}

static bool put_addresses(struct writing *w, struct slice value)
{
    struct phrase_walk walk = {0};
    struct slice all = value;
    bool after_comma = false; /* where a line may be folded, though no blank was there */

    while (value.len) {
        struct slice blanks = take_blanks(&value);
        struct slice before = slice_sub(all, 0, (size_t)(value.ptr - all.ptr));
        enum piece_kind kind;
        struct slice piece;

        if (value.len == 0)
            break;
        piece = take_piece(&walk, &value, &kind);
        if (is_sevenbit(piece)) {
            if (kind == SPECIAL)
                enter(&walk, piece.ptr[0]);
            /* A reader takes "=?...?=" for an encoded word only with blanks around it. */
            if (blanks.len == 0 && (after_comma || (w->after_encoded && piece.ptr[0] != ')')))
                blanks = SLICE(" ");
            after_comma = kind == SPECIAL && piece.ptr[0] == ',';
            if (!put_plain(w, blanks, piece))
                return false;
            continue;
        }
        if (kind == SPECIAL || !is_in_phrase(&walk, before, value))
            return false;
        if (kind == QUOTED)
            put_encoded_quoted(w, piece);
        else
            put_encoded(w, blanks, piece);
    }
    return walk.comment_depth == 0;
}

/* name*=charset''percent-encoded (RFC 2231 section 4). */
static void put_extended(struct buf *out, struct slice name, struct slice value)
{
    struct slice text = value.ptr[0] == '"' ? strip_quotes(value) : value;

    buf_printf(out, "%.*s*=%s''", SLICE_ARG(name), utf8_is_valid(text) ? "utf-8" : "unknown-8bit");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && value.ptr[0] == '"' && i + 1 < text.len)
            i++;
        if (ascii_is_alnum(text.ptr[i]) || text.ptr[i] == '.' || text.ptr[i] == '-')
            buf_add_char(out, text.ptr[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
    }
}

/* Cuts off what comes before the parameters; a ";" in a comment does not begin them. */
static struct slice take_main_value(struct slice *rest)
{
    struct slice all = *rest;
    size_t depth = 0;
    size_t at = 0;

    for (; at < all.len && (depth || all.ptr[at] != ';'); at++) {
        if (all.ptr[at] == '\\')
            at++;
        else if (all.ptr[at] == '(')
            depth++;
        else if (all.ptr[at] == ')' && depth)
            depth--;
    }
    *rest = slice_skip(all, at);
    return slice_sub(all, 0, at);
}

/* The main value stays; of each parameter one line. */
static bool put_parameters(struct writing *w, struct slice value)
{
    struct slice first = take_main_value(&value);
    struct mime_param_text param;

    if (!is_sevenbit(first) || first.len > WORD_MAX)
        return false;
    put_plain(w, SLICE_NULL, first);
    while (mime_next_param(&value, &param)) {
        bool plain = is_sevenbit(param.value);
        size_t start = w->out->len;
        /* A boundary must stay what it is in the lines of the body. */
        if (param.name.len == 0 || (!plain && slice_eq_nocase(param.name, SLICE("boundary"))))
            return false;
        buf_add_cstr(w->out, ";\r\n ");
        if (plain)
            buf_printf(w->out, "%.*s=%.*s", SLICE_ARG(param.name), SLICE_ARG(param.value));
        else
            put_extended(w->out, param.name, param.value);
        if (w->out->len - start > WORD_MAX)
            return false;
    }
    return true;
}

bool reencode_header_field(struct buf *out, const struct header_field *field)
{
    struct writing w = {.out = out, .line_start = out->len};
    struct arena arena;
    struct slice value;
    enum field_class class;
    bool done = false;

    if (field->malformed || field->name.len > WORD_MAX / 2)
        return false;
    class = class_of(field->name);
    if (class == UNTOUCHABLE && !is_sevenbit(field->raw))
        return false;
    arena_init(&arena);
    value = header_unfold(&arena, field->value);
    buf_printf(out, "%.*s:", SLICE_ARG(field->name));
    if (class == ADDRESSES)
        done = put_addresses(&w, value);
    else if (class == PARAMETERS)
        done = put_parameters(&w, value);
    else
        done = put_text(&w, value);
    buf_add_cstr(out, "\r\n");
    arena_done(&arena);
    return done;
}
