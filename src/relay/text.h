/*
 * The text of a message on its way out: read from the descriptor piece by piece, with a field in
 * front if need be, and once more from the beginning for the next transaction.
 *
 * Memory is one chunk of TEXT_CHUNK bytes whatever the message's size, but for the re-encoded form,
 * which is made whole (text_reencode) and kept as long as this struct.
 */
#ifndef NUNCIO_RELAY_TEXT_H
#define NUNCIO_RELAY_TEXT_H

#include "base/buf.h"

enum { TEXT_CHUNK = 64 * 1024 };

struct text {
    int fd; /* not owned */
    uint64_t offset, length;
    struct slice prefix; /* whole fields, each with CRLF */
    struct buf reencoded;
    bool use_reencoded;
    char *chunk; /* TEXT_CHUNK bytes, not owned */
    uint64_t at; /* of the bytes behind the prefix */
    bool prefix_given;
};

void text_init(struct text *text, int fd, uint64_t offset, uint64_t length, char *chunk);
void text_done(struct text *text);

/* From the beginning, with these fields in front, as stored or re-encoded. */
void text_rewind(struct text *text, struct slice prefix, bool reencoded);
/* Bytes that will come out from the beginning. */
uint64_t text_size(const struct text *text);
/* The next piece, good until the next call; empty at the end. -errno, or -EIO when the descriptor
 * holds less than it should. */
int text_next(struct text *text, struct slice *ret_piece);

/* Nothing is left for text_next(). */
bool text_at_end(const struct text *text);

/* What the stored text needs of a server. These move the position. -errno of reading. */
int text_has_eightbit(struct text *text, bool *ret_has);
int text_has_eightbit_header(struct text *text, bool *ret_has);

/* Makes the 7-bit form, once; at most `max` bytes. 0, -errno, or an enum reencode_outcome above
 * REENCODE_CHANGED: it cannot be made. A text that is 7-bit already is taken as it is. */
int text_reencode(struct text *text, size_t max);

#endif
