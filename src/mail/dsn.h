/*
 * Writes a delivery status notification as a whole message (RFC 3461 section 6, RFC 3464, RFC 6522;
 * RFC 6533 for messages with UTF-8 addresses), one for any number of recipients of one message.
 *
 * The caller sends it with the null reverse-path, and never in answer to a message that had one.
 * The remote server's words are data: control bytes are taken out, nothing is interpreted.
 */
#ifndef NUNCIO_MAIL_DSN_H
#define NUNCIO_MAIL_DSN_H

#include "mail/envelope.h"
#include "mail/status.h"

/* Action of RFC 3464 section 2.3.3. */
enum dsn_action {
    DSN_FAILED = 1,
    DSN_DELAYED,
    DSN_DELIVERED,
    DSN_RELAYED,  /* to a server that does not send notifications */
    DSN_EXPANDED, /* to several addresses, from which no more notifications come */
};

struct dsn_recipient {
    enum dsn_action action;
    struct slice address;     /* the mailbox that was tried: Final-Recipient */
    struct slice orcpt;       /* as given, or empty */
    struct status status;     /* class 0: by the action, x.0.0 */
    struct slice remote_mta;  /* name of the server that said it, or empty */
    struct slice diagnostic;  /* "550 5.1.1 no such user", lines parted by LF; or empty */
    bool smtp;                /* the diagnostic is an SMTP or LMTP reply, word for word;
                                 otherwise a sentence of our own */
    uint64_t last_attempt_ms; /* wall time, 0: unknown */
    uint64_t retry_until_ms;  /* wall time, of a delay; 0: unknown */
};

/* Above this size of the original its header alone is returned, whatever RET says. */
enum { DSN_FULL_MAX = 50 * 1024 };

struct dsn {
    struct slice hostname;   /* our name: Reporting-MTA, MAILER-DAEMON@ */
    struct slice message_id; /* of the DSN, "<...@...>" */
    uint64_t now_ms;         /* wall time */
    struct slice to;         /* the original's reverse-path */
    struct slice queue_id;   /* of the original, in text, for the reader; or empty */
    struct slice envid;      /* xtext as given, or empty */
    uint64_t arrival_ms;     /* wall time, 0: unknown */
    enum dsn_ret ret;
    bool smtputf8; /* the original came with SMTPUTF8 */
    const struct dsn_recipient *recipients;
    size_t n_recipients;
    struct slice original;  /* its text, or as much of its beginning as holds the header */
    uint64_t original_size; /* of the whole */
};

/* What the DSN itself needs to be sent. */
struct dsn_needs {
    enum body_kind body;
    bool smtputf8;
};

/* Appends the message, lines ended by CRLF. Errors are the buffer's overflow. */
struct dsn_needs dsn_build(struct buf *out, const struct dsn *dsn);

/* Does a recipient with this NOTIFY (0: not given) want to hear of that? Failure and delay are told
 * by default, success only when asked for, nothing after NEVER (RFC 3461 section 4.1). */
bool dsn_wanted(unsigned notify, enum dsn_action action);

#endif
