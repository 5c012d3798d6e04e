/*
 * A reply as a value (RFC 5321 section 4.2, RFC 2034): handlers return it, one place writes it.
 *
 * The text may have several lines, parted by '\n'; it becomes a multiline reply. Control bytes in
 * it come out as '?', so that nothing a stranger sent can break a reply in two.
 */
#ifndef NUNCIO_SMTP_REPLY_H
#define NUNCIO_SMTP_REPLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/status.h"

struct smtp_reply {
    uint16_t code;        /* 0: nothing to say (yet) */
    struct status status; /* class 0: no enhanced code is written */
    struct slice text;    /* a literal, or memory that outlives the step */
    bool close;           /* the session ends when this is written */
};

/* A reply with a literal text. */
#define SMTP_REPLY(c, a, b, d, literal)                                                            \
    ((struct smtp_reply){.code = (c), .status = STATUS(a, b, d), .text = SLICE(literal)})
/* The same for a reply that ends the session. */
#define SMTP_REPLY_CLOSE(c, a, b, d, literal)                                                      \
    ((struct smtp_reply){                                                                          \
        .code = (c), .status = STATUS(a, b, d), .text = SLICE(literal), .close = true})
#define SMTP_REPLY_NONE ((struct smtp_reply){.code = 0})

/* A reply whose text is formatted into the arena. */
struct smtp_reply smtp_reply_format(struct arena *arena, uint16_t code, struct status status,
                                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Appends all its lines, CRLF included; nothing for a reply without a code. */
void smtp_reply_write(struct buf *out, const struct smtp_reply *reply);

#endif
