/*
 * Header sections in ASCII: the part of reencode.h that looks at fields.
 *
 * Text becomes encoded words where RFC 2047 section 5 allows them: in unstructured fields, in
 * display names and comments of address fields; file names and other parameters become RFC 2231
 * values. Addresses, identifiers and trace fields cannot be put into ASCII at all: that needs
 * SMTPUTF8.
 */
#ifndef NUNCIO_MAIL_REENCODE_HEADER_H
#define NUNCIO_MAIL_REENCODE_HEADER_H

#include "base/buf.h"

struct header_field;

/* Writes the field, for which reencode_is_needed(), in ASCII and short lines. False when that
 * cannot be; `out` is then undefined behind its old length. */
bool reencode_header_field(struct buf *out, const struct header_field *field);

#endif
