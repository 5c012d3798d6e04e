/*
 * Keeps the header section of a text that comes in pieces. Pure.
 */
#ifndef NUNCIO_TRUST_DKIM_SECTION_H
#define NUNCIO_TRUST_DKIM_SECTION_H

#include "base/buf.h"

struct dkim_section {
    struct buf text; /* with its empty line; overflow: above DKIM_HEADER_MAX, and then cut */
    bool whole;      /* the empty line has come */
    bool empty_line; /* nothing has come of the current line, or CR alone */
    bool cr;         /* of that: CR */
};

void dkim_section_init(struct dkim_section *section);
void dkim_section_done(struct dkim_section *section);

/* Takes what belongs to the section off the piece, and returns the rest, which belongs to the
 * body. Not to be called any more when the section is whole. */
struct slice dkim_section_feed(struct dkim_section *section, struct slice piece);

#endif
