/*
 * A JSON string out of any bytes.
 */
#ifndef NUNCIO_DAEMON_JSON_QUOTE_H
#define NUNCIO_DAEMON_JSON_QUOTE_H

#include "base/buf.h"

/* With its quotes. What is not printable ASCII becomes \u00XX, byte by byte: the parent shows what
 * roles say without judging its encoding. */
void json_quote(struct buf *out, struct slice text);

#endif
