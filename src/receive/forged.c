/*
 * See forged.h. A machine over lines: a line that begins with a blank belongs to the field before
 * it. Lines end in LF, with or without CR, as mail/header.h has them.
 *
 * A field larger than the bound on header sections is lost from `held`, and so is its message,
 * since the intake refuses it.
 */
#include "receive/forged.h"

#include "trust/authres.h"

enum state {
    START,       /* of a line that is not held back: a field, unless it begins with a blank */
    OTHER,       /* within a line of any other field */
    NAME,        /* of a line that has been "Authentication-Results" so far; held back */
    FIELD,       /* behind its colon; held back */
    FIELD_START, /* of a line behind it */
};

static const struct slice name = SLICE_INIT("authentication-results");

void forged_init(struct forged *forged, const struct forged_options *options)
{
    *forged = (struct forged){.options = *options, .state = START};
    buf_init(&forged->held, options->max);
}

void forged_done(struct forged *forged)
{
    buf_done(&forged->held);
}

static void let_go(struct forged *forged)
{
    forged->options.keep(forged->options.keep_arg, buf_slice(&forged->held));
    buf_reset(&forged->held);
}

static void judge(struct forged *forged)
{
    struct slice value = slice_skip(buf_slice(&forged->held), forged->value_at);

    if (authres_is_of(value, forged->options.authserv_id)) {
        forged->options.removed(forged->options.removed_arg, slice_trim(value));
        buf_reset(&forged->held);
    } else {
        let_go(forged);
    }
}

/* Up to the end of the line, or of the piece. */
static struct slice cut_line(struct slice *piece, bool *ret_whole)
{
    ptrdiff_t end = slice_find(*piece, '\n');
    struct slice line = end < 0 ? *piece : slice_sub(*piece, 0, (size_t)end + 1);

    *ret_whole = end >= 0;
    *piece = slice_skip(*piece, line.len);
    return line;
}

static void take_name_byte(struct forged *forged, char byte)
{
    size_t at = forged->held.len;

    buf_add_char(&forged->held, byte);
    if (at < name.len ? ascii_lower(byte) == name.ptr[at] : ascii_is_blank(byte))
        return;
    if (at >= name.len && byte == ':') {
        forged->state = FIELD;
        forged->value_at = forged->held.len;
        return;
    }
    forged->state = byte == '\n' ? START : OTHER;
    let_go(forged);
}

static void take_line(struct forged *forged, struct slice *piece)
{
    bool whole;
    struct slice line = cut_line(piece, &whole);

    if (forged->state == FIELD) {
        buf_add_slice(&forged->held, line);
        forged->state = whole ? FIELD_START : FIELD;
    } else {
        forged->options.keep(forged->options.keep_arg, line);
        forged->state = whole ? START : OTHER;
    }
}

void forged_feed(struct forged *forged, struct slice piece)
{
    while (piece.len) {
        char byte = piece.ptr[0];

        if (forged->state == FIELD_START && !ascii_is_blank(byte)) {
            judge(forged);
            forged->state = START;
        } else if (forged->state == FIELD_START) {
            forged->state = FIELD;
        }
        if (forged->state == START)
            forged->state = ascii_lower(byte) == name.ptr[0] ? NAME : OTHER;
        if (forged->state == NAME) {
            take_name_byte(forged, byte);
            piece = slice_skip(piece, 1);
        } else {
            take_line(forged, &piece);
        }
    }
}

void forged_end(struct forged *forged)
{
    if (forged->state == FIELD || forged->state == FIELD_START)
        judge(forged);
    else if (forged->held.len)
        let_go(forged);
    forged->state = START;
}
