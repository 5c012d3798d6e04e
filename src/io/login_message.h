/*
 * The messages between roles about who is speaking and what he may do: SASL conversations, what an
 * account submits, frozen accounts, and the keys and files that only the parent can read. See
 * io/message.h for the rules of messages.
 */
#ifndef NUNCIO_IO_LOGIN_MESSAGE_H
#define NUNCIO_IO_LOGIN_MESSAGE_H

#include "io/message.h"

/*
 * MSG_SASL: one step of a SASL conversation (RFC 4422, RFC 4954) of a client of receive. Each step
 * but SASL_ABORT gets one MSG_SASL_REPLY. A reply other than SASL_CHALLENGE ends the conversation;
 * so does SASL_ABORT ("*", or the client is gone), which gets no reply.
 */
enum sasl_step { SASL_START = 1, SASL_RESPONSE, SASL_ABORT };
enum { SASL_BYTES_MAX = 12 * 1024 /* of a response or challenge, decoded (RFC 4954 section 4) */ };

/* What auth must know of the client and the connection. Only with SASL_START. */
struct sasl_client {
    struct slice address;  /* of the client, in text; empty: a unix socket */
    struct slice listener; /* name */
    bool tls;
    struct slice binding;      /* tls-exporter (RFC 9266), or empty */
    struct slice fingerprint;  /* SHA-256 of its verified certificate in lower-case hex, or empty */
    struct slice *cert_emails; /* rfc822Name and SmtpUTF8Mailbox of the certificate's SAN */
    uint32_t n_cert_emails;
};
enum { SASL_CERT_EMAILS_MAX = 16 };

struct msg_sasl {
    uint64_t conversation; /* receive's number */
    enum sasl_step step;
    unsigned mechanism;    /* SASL_START: one enum mechanism */
    bool has_response;     /* SASL_START: there was an initial response, perhaps an empty one */
    struct slice response; /* decoded; holds secrets */
    struct sasl_client client;
};

enum sasl_outcome { SASL_CHALLENGE = 1, SASL_DONE, SASL_FAILED };
struct msg_sasl_reply {
    uint64_t conversation;
    enum sasl_outcome outcome;
    struct slice data;     /* SASL_CHALLENGE: to be sent, not yet in base64 */
    struct slice account;  /* SASL_DONE: canonical address; SASL_FAILED: as claimed, for the log */
    uint64_t message_size; /* SASL_DONE: the account's limit, 0: none of its own */
    uint32_t code;         /* SASL_FAILED: of the reply: 535, 454, 501 ... */
    struct slice status;   /* enhanced status code "5.7.8" */
    struct slice text;     /* SASL_FAILED: for the client */
    struct slice why;      /* for the log alone: "wrong password", "app password phone" */
};

/* MSG_MECHANISMS: what the accounts can verify now, a set of enum mechanism. Told when a channel
 * to receive comes up, and when it changes. */
struct msg_mechanisms {
    uint32_t set;
};

/* MSG_SUBMISSION: an account is about to hand in a message, whose end has come: may it? */
struct msg_submission {
    uint64_t request;
    struct slice account;
    struct slice client_address;
    uint32_t recipients;
    uint64_t size;
};
enum submission_verdict {
    SUBMISSION_GO = 1,
    SUBMISSION_HOLD,   /* take it, and keep it: the account is frozen. `text` says why */
    SUBMISSION_LATER,  /* 450: too many a minute */
    SUBMISSION_REFUSE, /* 5xx: the account may not send (any more) */
};
struct msg_submission_reply {
    uint64_t request;
    enum submission_verdict verdict;
    struct slice text;
};

/*
 * MSG_FROZEN: this account was frozen; queue holds what it has of its mail, and when `tell` is set
 * writes one mail to the postmaster. Told until MSG_FROZEN_TAKEN, which queue sends when all of it
 * is on disk.
 */
struct msg_frozen {
    struct slice account;
    uint64_t since_ms; /* wall time */
    bool tell;
    struct slice why;
};
struct msg_frozen_taken {
    struct slice account;
    uint64_t since_ms;
};

/* MSG_BOUNCED: so many recipients of the account's mail have failed for good. */
struct msg_bounced {
    struct slice account;
    uint32_t recipients;
};

/* MSG_FILE, with a sealed memfd, or none when the file cannot be read: the content of a file of the
 * configuration that only the parent may open. Sent at the start and whenever it changes. */
struct msg_file {
    struct slice path; /* as in the configuration */
    struct slice text; /* without a descriptor: why */
};

/* MSG_TLS, with a sealed memfd: what receive speaks TLS with (io/tls_material.h). No payload. */

MESSAGE_CODEC(msg_sasl);
MESSAGE_CODEC(msg_sasl_reply);
MESSAGE_CODEC(msg_mechanisms);
MESSAGE_CODEC(msg_submission);
MESSAGE_CODEC(msg_submission_reply);
MESSAGE_CODEC(msg_frozen);
MESSAGE_CODEC(msg_frozen_taken);
MESSAGE_CODEC(msg_bounced);
MESSAGE_CODEC(msg_file);

#endif
