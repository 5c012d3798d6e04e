/*
 * Writes generated header fields: folded before column 78 where there is a blank, control bytes
 * taken out, text that is not ASCII as RFC 2047 encoded words. Fields that came from outside are
 * never rewritten with this.
 *
 *     struct headerwrite field = headerwrite_begin(out, "Received");
 *     headerwrite_word(&field, SLICE("from"));
 *     headerwrite_word(&field, helo);
 *     headerwrite_end(&field);
 */
#ifndef NUNCIO_MAIL_HEADERWRITE_H
#define NUNCIO_MAIL_HEADERWRITE_H

#include "base/buf.h"

struct headerwrite {
    struct buf *out;
    size_t column;
    bool empty; /* no word yet: a fold here would make a line without any text */
};

/* "Name:"; errors are the buffer's overflow. */
struct headerwrite headerwrite_begin(struct buf *out, const char *name);
/* A blank (or a fold) and the word, which is not broken unless no line could hold it. Control bytes
 * become "?"; UTF-8 stays, as messages with SMTPUTF8 may have it. */
void headerwrite_word(struct headerwrite *field, struct slice word);
/* The words of a text, parted at its blanks. */
void headerwrite_words(struct headerwrite *field, struct slice text);
void headerwrite_end(struct headerwrite *field);

/* A whole field of plain words. */
void headerwrite_field(struct buf *out, const char *name, struct slice text);
/* A whole unstructured field of any UTF-8 text (RFC 2047 when it is not all printable ASCII). */
void headerwrite_text(struct buf *out, const char *name, struct slice text);

/* Text as encoded words, "=?utf-8?q?...?=", cut between characters and one a line, so that no line
 * is longer than 76 octets; the first one goes on from `column`. Bytes that are not UTF-8 are
 * labelled unknown-8bit (RFC 1428). */
void headerwrite_encoded_words(struct buf *out, struct slice text, size_t column);

#endif
