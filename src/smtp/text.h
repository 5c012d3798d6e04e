/*
 * The text of a message as it comes over the wire, on its way to what is stored: dots taken off,
 * the end found, line ends watched (RFC 5321 sections 2.3.8 and 4.5.2, RFC 3030).
 *
 *     while (smtp_text_next(&text, &input, &run))
 *         keep(run);
 *
 * Pull style: a run is a piece of the input as long as possible, or a literal, so that bytes are
 * copied by nobody but the one who keeps them. Input may be cut anywhere.
 *
 * Only CRLF ends a line, and only CRLF "." CRLF ends a text. A bare CR or LF is a fault, which the
 * caller refuses once the text is over; or with `convert` it becomes CRLF in what is kept, and yet
 * a "." behind it never ends the text: <LF>.<CRLF> smuggles nothing.
 */
#ifndef NUNCIO_SMTP_TEXT_H
#define NUNCIO_SMTP_TEXT_H

#include "base/slice.h"

enum smtp_text_fault {
    SMTP_TEXT_BARE_CR = 1,
    SMTP_TEXT_BARE_LF = 2,
    SMTP_TEXT_NUL = 4,
    SMTP_TEXT_LONG_LINE = 8,
};

struct smtp_text {
    bool dots;         /* DATA; false: BDAT, where dots mean nothing and the end is counted */
    bool convert;      /* bare CR and LF become CRLF and are no fault */
    uint64_t line_max; /* octets of a line with its CRLF */

    bool ended;      /* DATA: the end has come */
    bool eight_bit;  /* a byte above 127 has come */
    unsigned faults; /* enum smtp_text_fault, or-ed */

    /* Private. */
    int state;
    uint64_t line_len;
};

void smtp_text_init(struct smtp_text *text, bool dots, bool convert, uint64_t line_max);

/* Cuts off *input what it looked at, and sets *ret_run to what is to be kept (may be empty). False
 * when the input is used up or the text has ended: what is left then are commands. */
bool smtp_text_next(struct smtp_text *text, struct slice *input, struct slice *ret_run);

/* BDAT: the last octet has come. What is to be kept yet: the CRLF that a last line lacks. */
struct slice smtp_text_finish(struct smtp_text *text);

#endif
