/*
 * The header section of a message in memory: its fields as they stand (RFC 5322 section 2.2).
 *
 * Lines end in CRLF; a bare LF is taken for a line end too, because messages from files have them.
 * A field is its first line and the lines after it that begin with a blank. A line that is no field
 * (no colon, or blanks or control bytes in the name) is handed out as `malformed` and skipped over,
 * never mended. The section ends at the first empty line, or with the message.
 */
#ifndef NUNCIO_MAIL_HEADER_H
#define NUNCIO_MAIL_HEADER_H

#include "base/arena.h"

struct header_field {
    struct slice name;  /* without blanks before the colon (obsolete, allowed); empty: malformed */
    struct slice value; /* behind the colon, folded as it is, without the last line end */
    struct slice raw;   /* all of it, with its last line end */
    size_t offset;      /* of raw in the message */
    bool malformed;
};

struct header_iter {
    struct slice message;
    size_t at; /* offset of what comes next; of the empty line (or the end) when there is no more */
};

struct header_iter header_iterate(struct slice message);
bool header_next(struct header_iter *iter, struct header_field *ret_field);

/* Length of the header section including the empty line that ends it: where the body begins. */
size_t header_section_size(struct slice message);

/* The first field of this name. */
bool header_find(struct slice message, struct slice name, struct header_field *ret_field);
size_t header_count(struct slice message, struct slice name);

/* The value on one line: line ends taken out (the blank after them stays), blanks at both ends
 * trimmed. A slice of the input when it was not folded. */
struct slice header_unfold(struct arena *arena, struct slice value);

#endif
