/*
 * Outgoing text: what DATA and BDAT may carry (RFC 5321 sections 2.3.8 and 4.5.2).
 *
 * Every CR that is not before an LF, and every LF that is not after a CR, becomes CRLF, so that no
 * server can be led to see a line end where there is none, or two messages where there is one. The
 * last line gets its CRLF if it lacks one. For DATA a dot at the beginning of a line is doubled.
 *
 * Fed in pieces of any size; the output is the same however the text was cut. At most twice the
 * input and DOT_STUFF_EXTRA bytes come out of one call.
 */
#ifndef NUNCIO_SMTP_DOT_STUFF_H
#define NUNCIO_SMTP_DOT_STUFF_H

#include "base/buf.h"

enum { DOT_STUFF_EXTRA = 8 };

struct dot_stuff {
    bool dots;       /* double the dots: DATA */
    bool line_start; /* the next byte begins a line */
    bool cr;         /* a CR has come and was not sent yet */
};

void dot_stuff_init(struct dot_stuff *stuff, bool dots);
void dot_stuff_add(struct dot_stuff *stuff, struct slice input, struct buf *out);
/* The end of the last line and, for DATA, of the text: ".CRLF". */
void dot_stuff_end(struct dot_stuff *stuff, struct buf *out);

#endif
