/*
 * What a submission server may mend in the header of its own users' messages (RFC 6409 section 8):
 * a Date, a Message-ID and a From where there is none; Bcc goes (RFC 5322 section 3.6.3). Who
 * writes in another's name gets a Sender of his own.
 */
#ifndef NUNCIO_RECEIVE_REPAIR_H
#define NUNCIO_RECEIVE_REPAIR_H

#include "base/arena.h"
#include "base/buf.h"

struct repair {
    struct slice hostname;   /* right side of a Message-ID */
    struct slice sender;     /* mailbox for From; empty: none is added */
    struct slice set_sender; /* mailbox for Sender in place of what is there; empty: it stays */
    int64_t seconds;         /* wall time for Date */
    uint64_t id;
};

/* The Message-ID, without < >, that a header section without one is given. */
struct slice repair_message_id(const struct repair *repair, struct arena *arena);

/* Writes `header` (fields and the empty line, if it has one) with its repairs. Fields that stay
 * keep their bytes and their order; what is added comes behind them. */
void repair_header(struct buf *out, struct slice header, const struct repair *repair);

#endif
