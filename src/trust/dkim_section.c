/*
 * The header section. See dkim_section.h.
 *
 * Each byte is looked at once, by memchr(): what is between pieces is only whether the current line
 * is empty so far.
 */
#include "trust/dkim_section.h"

#include "trust/dkim.h"

#include <string.h>

void dkim_section_init(struct dkim_section *section)
{
    buf_init(&section->text, DKIM_HEADER_MAX);
    section->whole = section->cr = false;
    section->empty_line = true;
}

void dkim_section_done(struct dkim_section *section)
{
    buf_done(&section->text);
}

/* Notes what a part of a line (or all of it) makes of the line. */
static void look_at(struct dkim_section *section, struct slice part)
{
    for (size_t i = 0; i < part.len && section->empty_line; i++) {
        section->empty_line = part.ptr[i] == '\r' && !section->cr;
        section->cr = true;
    }
}

struct slice dkim_section_feed(struct dkim_section *section, struct slice piece)
{
    size_t at = 0;

    while (at < piece.len && !section->whole) {
        const char *lf = memchr(piece.ptr + at, '\n', piece.len - at);
        size_t end = lf ? (size_t)(lf - piece.ptr) : piece.len;
        look_at(section, slice_sub(piece, at, end - at));
        at = end;
        if (!lf)
            break;
        section->whole = section->empty_line;
        section->empty_line = true;
        section->cr = false;
        at++;
    }
    buf_add(&section->text, piece.ptr, at);
    return slice_skip(piece, at);
}
