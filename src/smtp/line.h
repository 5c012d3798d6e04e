/*
 * Cuts command lines out of what a client sent.
 *
 * Only CRLF ends a line (RFC 5321 section 2.3.8). A line that is too long is thrown away as it
 * comes, so that the caller never has to hold more than `max` bytes, and reported at its end.
 */
#ifndef NUNCIO_SMTP_LINE_H
#define NUNCIO_SMTP_LINE_H

#include "base/slice.h"

struct smtp_lines {
    size_t max;      /* octets of a line with its CRLF */
    bool bare_lf_ok; /* a bare LF ends a line, too */
    bool skipping;   /* in the middle of a line that is too long */
    bool skipped_cr; /* the last byte thrown away was a CR */
};

enum smtp_line {
    SMTP_LINE_GOOD = 0,
    SMTP_LINE_MORE,    /* no whole line yet; what is left of the input must be given again */
    SMTP_LINE_LONG,    /* its end has come, its text is gone */
    SMTP_LINE_NUL,     /* a NUL in it */
    SMTP_LINE_BARE_CR, /* a CR in it without its LF */
    SMTP_LINE_BARE_LF, /* ended by an LF without its CR: what follows is not to be trusted */
};

/* Cuts the next line off *input; *ret_line is without its end, and set for SMTP_LINE_GOOD only. */
enum smtp_line smtp_lines_next(struct smtp_lines *lines, struct slice *input,
                               struct slice *ret_line);

#endif
