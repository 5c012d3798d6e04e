/*
 * Makes a message fit for a peer without 8BITMIME (RFC 6152 section 3): every leaf part with bytes
 * above 127, NUL or lines above 998 octets becomes quoted-printable or base64, the multiparts
 * around it 7bit; raw 8-bit text in header fields becomes RFC 2047 encoded words of unknown-8bit.
 * All other bytes, preambles and boundaries included, stay as they are.
 *
 * What was signed over its text is not touched: a multipart/signed that would have to change is
 * REENCODE_SIGNED. A DKIM signature cannot survive; the caller knows by REENCODE_CHANGED.
 */
#ifndef NUNCIO_MAIL_REENCODE_H
#define NUNCIO_MAIL_REENCODE_H

#include "base/buf.h"

enum { REENCODE_LINE_MAX = 998 };

enum reencode_outcome {
    REENCODE_UNCHANGED = 0, /* nothing to do; `out` has nothing */
    REENCODE_CHANGED,       /* `out` has the new message */
    REENCODE_SIGNED,        /* a multipart/signed or encrypted part would have to change */
    REENCODE_HEADER,        /* a header section or field cannot be put into ASCII */
    REENCODE_STRUCTURE,     /* too deep, too many parts, or 8-bit text outside of any part */
    REENCODE_ENCODING,      /* 8-bit bytes in a part labelled base64, or of unknown encoding */
    REENCODE_TOO_LARGE,     /* `out` is full */
};

/* "a signed part has 8-bit text": why not, for the bounce. */
const char *reencode_outcome_text(enum reencode_outcome outcome);

/* Is there a byte above 127, a NUL, or a line above 998 octets? */
bool reencode_is_needed(struct slice message);

/* Above REENCODE_CHANGED `out` is as it was before. */
enum reencode_outcome reencode_to_7bit(struct slice message, struct buf *out);

#endif
