/*
 * The Received field that we put in front of a message (RFC 5321 section 4.4, RFC 3848, RFC 6531
 * section 3.7.3). How TLS was spoken stands in the clause registered for it, "tls" with the
 * cipher's name (RFC 8314 section 4.3), with the version and the client's certificate behind it in
 * a comment.
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
    const char *tls_version;     /* "TLSv1.3"; NULL: plain */
    const char *tls_cipher;      /* IANA's name */
    struct slice tls_peer;       /* name in the client's verified certificate, or empty */
    uint64_t id;
    struct slice recipient; /* empty: there is none or more than one */
    int8_t priority;        /* MT-PRIORITY (RFC 6710 section 4.1); 0 is not said */
    int64_t seconds;        /* wall time */
};

void trace_write(struct buf *out, const struct trace *trace);

/* What the "with" of the field says: "ESMTP", "ESMTPSA", "UTF8LMTPS" and so on; "SMTP" alone stands
 * for a client that said HELO, whatever else it did. */
enum trace_trait {
    TRACE_LMTP = 1,
    TRACE_EXTENDED = 2, /* EHLO or LHLO */
    TRACE_UTF8 = 4,     /* MAIL had SMTPUTF8 */
    TRACE_TLS = 8,
    TRACE_AUTH = 16, /* somebody has logged in */
};
const char *trace_protocol(unsigned traits);

#endif
