/* The mail that tells the postmaster of a frozen account. Pure. */
#ifndef NUNCIO_QUEUE_FREEZE_NOTICE_H
#define NUNCIO_QUEUE_FREEZE_NOTICE_H

#include "base/buf.h"

struct freeze_notice {
    struct slice hostname;
    struct slice to;
    struct slice message_id; /* "<...@...>" */
    uint64_t now_ms;         /* wall time */
    struct slice account;
    struct slice why;
    uint64_t since_ms; /* wall time */
    uint64_t held;     /* messages */
};

/* Appends the whole message, lines ended by CRLF. Errors are the buffer's overflow. */
void freeze_notice_build(struct buf *out, const struct freeze_notice *notice);

#endif
