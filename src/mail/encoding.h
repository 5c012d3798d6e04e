/*
 * Content-transfer-encodings (RFC 2045): base64 and quoted-printable. Decoding is lenient as the
 * RFC tells decoders to be, and counts what was strange. All work is linear; output grows `out`.
 */
#ifndef NUNCIO_MAIL_ENCODING_H
#define NUNCIO_MAIL_ENCODING_H

#include "base/buf.h"

/* Lines of 76 characters, each ended by CRLF (section 6.8). */
void base64_encode(struct buf *out, struct slice input);
/* On one line, without line end. */
void base64_encode_line(struct buf *out, struct slice input);
/* What is not of the alphabet is skipped; *ret_strange (may be NULL) counts what is neither of it
 * nor blank nor line end nor padding, and a lone last digit. Ends at the padding. */
void base64_decode(struct buf *out, struct slice input, size_t *ret_strange);
/* The alphabet and right padding only, no blanks; false otherwise, with `out` as it was. */
bool base64_decode_strict(struct buf *out, struct slice input);

/*
 * Section 6.7: CRLF in the input is a line end and stays one; every other CR or LF is written as
 * =0D, =0A. Output lines have at most 76 characters. "From " and "." at the start of a line are
 * disguised, since that costs two bytes and saves the text from helpful hands; so is "-" behind a
 * soft line break, which could make a multipart's delimiter.
 */
void qp_encode(struct buf *out, struct slice input);
/* How many bytes qp_encode() would write at least, for choosing between the two. */
size_t qp_encoded_size(struct slice input);
/* Blanks at line ends fall away; "=" without two hex digits or a line end stays as it is and is
 * counted in *ret_strange (may be NULL). */
void qp_decode(struct buf *out, struct slice input, size_t *ret_strange);

#endif
