/*
 * What a server says, seen from the client: replies of one or many lines (RFC 5321 section 4.2),
 * taken from the stream as they come.
 *
 *     250-mx.example.org            reply->code 250
 *     250-SIZE 52428800             reply->text "mx.example.org\nSIZE 52428800\n8BITMIME"
 *     250 8BITMIME
 *
 * Bounded against hostile servers: REPLY_TEXT_MAX bytes of text are kept, the rest is dropped and
 * `cut` set; a reply of more than REPLY_MAX bytes is an error. Control characters of the text
 * become "?", so that it can be shown. A line may end in LF alone; a code must be 200 to 599 and
 * the same in all lines; a space or hyphen may be missing after the code only at a line's end.
 */
#ifndef NUNCIO_SMTP_REPLY_PARSE_H
#define NUNCIO_SMTP_REPLY_PARSE_H

#include "base/buf.h"

enum { REPLY_TEXT_MAX = 4096, REPLY_MAX = 64 * 1024 };

struct reply_parse {
    unsigned code;   /* 0: no line is complete yet */
    struct buf text; /* the lines without code, joined by LF */
    bool cut;        /* there was more text than is kept */
    size_t seen;     /* bytes of this reply */
    char line[4];    /* the first bytes of the line under way */
    size_t column;   /* bytes of the line under way */
    bool last;       /* the line under way is the last one */
    bool cr;         /* a CR is held back: part of the line end, or of the text */
};

void reply_parse_init(struct reply_parse *reply);
void reply_parse_done(struct reply_parse *reply);
/* Ready for the next reply; the memory is kept. */
void reply_parse_reset(struct reply_parse *reply);

enum reply_parse_result {
    REPLY_COMPLETE = 0,
    REPLY_MORE = 1, /* all input taken, the reply goes on */
};

/* Takes input up to the end of the reply; *ret_used tells how much. REPLY_COMPLETE, REPLY_MORE, or
 * -EBADMSG: not a reply, or a longer one than REPLY_MAX; the stream is of no further use. */
int reply_parse_add(struct reply_parse *reply, struct slice input, size_t *ret_used);

/* The text, good until the next reset. */
struct slice reply_text(const struct reply_parse *reply);
/* "550-5.1.1 no such user\n..." on one line, as it is shown to people: "550 5.1.1 no such user ..."
 */
void reply_add_words(struct buf *out, const struct reply_parse *reply);

#endif
