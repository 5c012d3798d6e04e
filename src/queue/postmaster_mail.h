/*
 * The form of the mails that tell the postmaster of something. Pure.
 *
 * "Auto-Submitted: auto-generated" (RFC 3834): nobody's vacation program answers them.
 */
#ifndef NUNCIO_QUEUE_POSTMASTER_MAIL_H
#define NUNCIO_QUEUE_POSTMASTER_MAIL_H

#include "base/buf.h"

struct postmaster_mail {
    struct slice hostname;
    struct slice to;
    struct slice subject;
    struct slice message_id; /* "<...@...>" */
    uint64_t now_ms;         /* wall time */
};

/* Appends the whole message, lines ended by CRLF. Errors are the buffer's overflow. */
void postmaster_mail_build(struct buf *out, const struct postmaster_mail *mail, struct slice body);
/* A text from outside for the body: control bytes become "?". */
void postmaster_mail_clean(struct buf *body, struct slice text);

#endif
