/*
 * JSON written straight into a buffer, for answers of 100,000 lines, where building and freeing a
 * tree for each would be most of the work. The caller writes braces; every member but the first of
 * its object begins with a comma, which these put where the last byte is no opening brace.
 */
#ifndef NUNCIO_QUEUE_JSON_OUT_H
#define NUNCIO_QUEUE_JSON_OUT_H

#include "base/buf.h"

/* "key":"text". NUL, which readers refuse, and what is no UTF-8 become U+FFFD. */
void json_out_text(struct buf *out, const char *key, struct slice text);
/* The same, but nothing at all for an empty text. */
void json_out_text_if(struct buf *out, const char *key, struct slice text);
void json_out_number(struct buf *out, const char *key, uint64_t number);
void json_out_signed(struct buf *out, const char *key, int64_t number);
void json_out_true(struct buf *out, const char *key);
/* "key": alone, for an array or an object. */
void json_out_key(struct buf *out, const char *key);

#endif
