/*
 * The Received field that we put in front of a message (RFC 5321 section 4.4, RFC 3848, RFC 6531
 * section 3.7.3).
 */
#ifndef NUNCIO_RECEIVE_TRACE_H
#define NUNCIO_RECEIVE_TRACE_H

#include "mail/envelope.h"

struct trace {
    struct slice hostname;       /* ours */
    struct slice helo;           /* empty: not from a client; `comment` says from whom */
    struct slice client_name;    /* as a proxy told it, or empty */
    struct slice client_address; /* in text; empty: over a unix socket */
    struct slice comment;        /* "from userid 1000", or empty */
    const char *protocol;        /* "ESMTP"; NULL: none */
    uint64_t id;
    struct slice recipient; /* empty: there is none or more than one */
    int64_t seconds;        /* wall time */
};

void trace_write(struct buf *out, const struct trace *trace);

/* "SMTP", "ESMTP", "LMTP", "UTF8SMTP", "UTF8LMTP". */
const char *trace_protocol(bool lmtp, bool extended, bool smtputf8);

#endif
