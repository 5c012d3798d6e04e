/*
 * The encodings of DSN parameters: xtext (RFC 3461 section 4), and utf-8-addr-xtext,
 * utf-8-addr-unitext of addresses with UTF-8 (RFC 6533 section 3).
 */
#ifndef NUNCIO_MAIL_XTEXT_H
#define NUNCIO_MAIL_XTEXT_H

#include "base/buf.h"

/* "+", "=" and what is not printable ASCII become "+" and two hex digits. */
void xtext_encode(struct buf *out, struct slice text);
/* False, with `out` as it was, when it is not xtext. */
bool xtext_decode(struct buf *out, struct slice xtext);
bool xtext_is_valid(struct slice xtext);

/* A UTF-8 address in ASCII: \x{HEX} for what is not printable ASCII, and for "\", "+", "=". */
void xtext_encode_utf8(struct buf *out, struct slice address);
/* Reads utf-8-addr-xtext and utf-8-addr-unitext; false, with `out` as it was, when it is neither.
 */
bool xtext_decode_utf8(struct buf *out, struct slice text);

/*
 * An ORCPT value, "addr-type;encoded" (RFC 3461 section 4.2, RFC 6533 section 3): checked, and the
 * address decoded after its type ("rfc822": xtext, "utf-8": the UTF-8 forms, others: xtext).
 * *ret_type points into `orcpt`. Decoded control bytes make it invalid: the value ends up in
 * header fields. False, with `out` as it was, when it is not valid.
 */
bool orcpt_decode(struct slice orcpt, struct slice *ret_type, struct buf *out);

#endif
