/*
 * The messages between roles: plain structs, each with an encoder and a decoder.
 *
 * Who says what to whom (the socketpairs are made by the parent and handed out as MSG_PEER):
 *
 *   parent  -> all      MSG_PEER, MSG_CONFIG, MSG_STATUS_ASK, MSG_STOP
 *   all     -> parent   MSG_READY, MSG_CONFIG_TAKEN, MSG_STATUS
 *   queue, web -> parent   MSG_ADMIN, answered by MSG_ADMIN_REPLY
 *   receive -> queue    MSG_DURABLE
 *   queue   -> receive  MSG_TAKEN
 *   receive, queue -> auth   MSG_RESOLVE, answered by MSG_RESOLVED
 *   local   -> auth     MSG_USAGE
 *   parent  -> receive  MSG_TLS
 *   parent  -> auth, queue  MSG_FILE
 *   auth    -> receive  MSG_MECHANISMS, and see io/login_message.h: MSG_SASL, MSG_SUBMISSION
 *   auth    -> queue    MSG_FROZEN, answered by MSG_FROZEN_TAKEN
 *   queue   -> auth     MSG_BOUNCED
 *   queue   -> relay, local  MSG_UNIT (with the descriptor of the text), answered by MSG_DONE
 *   local   -> program  MSG_RUN (with the descriptor of the body), answered by MSG_RAN
 *   queue   -> relay    MSG_SITE_ASK, answered by MSG_SITE
 *   parent  -> relay    MSG_FILE
 *   relay   -> queue    MSG_MAIL, answered by MSG_MAIL_TAKEN
 *   all     -> history  MSG_EVENTS
 *   local   -> history  MSG_TLS_REPORT (with the descriptor of the text)
 *   parent  -> all      MSG_METRICS_ASK, answered by MSG_METRICS
 *   keys    -> relay    MSG_KEYS
 *   relay   -> keys     MSG_KEY_SEEN; MSG_SIGN, answered by MSG_SIGNED
 *   receive -> history  MSG_DMARC_ROW
 *   local   -> history  MSG_DMARC_REPORT (with the descriptor of the text)
 *   history -> relay    MSG_DMARC_SEND (with the descriptor of the report), answered by
 *                       MSG_DMARC_SENT; for these three see io/dmarc_message.h
 *
 * Decoders take nothing on trust: a number out of range, a missing byte or one too many is
 * -EBADMSG. Slices in a decoded struct point into the payload; arrays are from the arena. Encoders
 * append to a buffer whose max is CHANNEL_PAYLOAD_MAX; overflow means too large.
 */
#ifndef NUNCIO_IO_MESSAGE_H
#define NUNCIO_IO_MESSAGE_H

#include "mail/envelope.h"

enum role {
    ROLE_PARENT,
    ROLE_RECEIVE,
    ROLE_AUTH,
    ROLE_QUEUE,
    ROLE_RELAY,
    ROLE_LOCAL,
    ROLE_PROGRAM, /* the helper that runs programs for local */
    ROLE_WEB,
    ROLE_HISTORY,
    ROLE_KEYS, /* the only one that can read private keys of DKIM */
    ROLE_COUNT,
};
const char *role_name(enum role role); /* "receive" */

enum message_type {
    MSG_PEER = 1,
    MSG_CONFIG,
    MSG_CONFIG_TAKEN,
    MSG_STATUS_ASK,
    MSG_STATUS,
    MSG_STOP,
    MSG_READY,
    MSG_ADMIN,
    MSG_ADMIN_REPLY,
    MSG_DURABLE,
    MSG_RESOLVE,
    MSG_RESOLVED,
    MSG_USAGE,
    MSG_UNIT,
    MSG_DONE,
    MSG_RUN,
    MSG_RAN,
    MSG_TAKEN,
    MSG_TLS,
    MSG_FILE,
    MSG_MECHANISMS,
    MSG_SASL,
    MSG_SASL_REPLY,
    MSG_SUBMISSION,
    MSG_SUBMISSION_REPLY,
    MSG_FROZEN,
    MSG_FROZEN_TAKEN,
    MSG_BOUNCED,
    MSG_SITE_ASK,
    MSG_SITE,
    MSG_MAIL,
    MSG_MAIL_TAKEN,
    MSG_EVENTS,
    MSG_TLS_REPORT,
    MSG_METRICS_ASK,
    MSG_METRICS,
    MSG_KEYS,
    MSG_KEY_SEEN,
    MSG_SIGN,
    MSG_SIGNED,
    MSG_DMARC_ROW,
    MSG_DMARC_REPORT,
    MSG_DMARC_SEND,
    MSG_DMARC_SENT,
};

/* MSG_PEER, with one descriptor: a fresh channel to that role; an older one to it is dead. */
struct msg_peer {
    enum role role;
};

/* MSG_CONFIG carries a sealed memfd with the configuration's files (config_bundle in
 * config/config.h) and no payload. MSG_CONFIG_TAKEN answers it. MSG_STATUS_ASK, MSG_STOP: empty. */
struct msg_config_taken {
    bool taken;
    struct slice text; /* why not */
};

/* MSG_STATUS: a JSON object with what the role knows of itself, for `nuncio status`. MSG_METRICS:
 * what it counts, in Prometheus's text format; MSG_METRICS_ASK has the request alone (no text). */
struct msg_text {
    uint32_t request;
    struct slice text;
};

/* MSG_READY: the role has locked itself in. One line per protection tried: "landlock: holds". */
struct msg_ready {
    struct slice report;
};

/* MSG_ADMIN: a command of the control socket that only the parent can do. Its reply is JSON.
 * ADMIN_METRICS is web's, and the only one that it may say; its reply is the metrics of all roles.
 */
enum admin_command { ADMIN_STATUS = 1, ADMIN_RELOAD, ADMIN_STOP, ADMIN_METRICS };
struct msg_admin {
    uint32_t request;
    enum admin_command command;
};

/* MSG_DURABLE: receive's log is on disk up to here. */
struct msg_durable {
    uint64_t segment;
    uint64_t length;
};

/* MSG_TAKEN: queue has read all of receive's segments before this one, and so much of it. Told
 * when the two meet, and while it changes, but not with each message. */
struct msg_taken {
    uint64_t segment;
    uint64_t length;
};

/*
 * MSG_RESOLVE: what is this address? The domain is one of ours. An alias may name itself among its
 * targets and means the mailbox then; so whoever expands tells from where the address came: when
 * `via` is the same mailbox, aliases are left out. That is not a loop.
 */
struct msg_resolve {
    uint64_t request;
    struct slice address;
    struct slice via; /* the address that expanded to this one, or empty */
    /* Not empty: instead, may this account send as the address? Then the domain may be any. */
    struct slice sender;
};

enum resolve_status {
    RESOLVE_LOCAL = 1, /* a mailbox: `account` */
    RESOLVE_EXPAND,    /* `targets` instead */
    RESOLVE_ROUTE,     /* a local domain whose mailboxes another server keeps */
    RESOLVE_UNKNOWN,   /* no such user */
    RESOLVE_LATER,     /* cannot tell now */
    RESOLVE_FULL,      /* the mailbox is over its quota */
    RESOLVE_OWN,       /* to a question with `sender`: he may; otherwise RESOLVE_UNKNOWN */
    RESOLVE_FORGED,    /* an address of the Sender Rewriting Scheme that we have not made */
    RESOLVE_EXPIRED,   /* one that we made too long ago */
};

enum { RESOLVE_TARGETS_MAX = 1000 };

struct msg_resolved {
    uint64_t request;
    enum resolve_status status;
    struct slice account;    /* canonical address of the mailbox: user@domain */
    uint64_t quota_bytes;    /* 0: none */
    uint32_t quota_messages; /* 0: none */
    struct slice *targets;   /* addresses, or "program:NAME" of the configuration */
    uint32_t n_targets;
    struct slice text; /* for people: why */
};

/* MSG_USAGE: local tells what a mailbox with a quota holds. */
struct msg_usage {
    struct slice account;
    uint64_t bytes;
    uint64_t messages;
    bool full; /* a delivery was just refused for it */
};

/* MSG_UNIT: deliver this message to these recipients, all over the same way. */
enum unit_way {
    WAY_ROUTE = 1, /* relay: over the named route of the configuration (SMTP or LMTP) */
    WAY_MAILDIR,   /* local */
    WAY_PROGRAM,   /* local */
};

enum { UNIT_SOURCES_MAX = 256 };

struct unit_recipient {
    uint32_t index;       /* in the message, for the outcome */
    struct slice address; /* what RCPT TO says */
    struct slice orcpt;
    struct slice account; /* WAY_MAILDIR: canonical address of the mailbox */
    struct slice folder;  /* WAY_MAILDIR: empty is INBOX, or a folder name such as "Junk" */
    struct slice via;     /* forwarded from here: a Delivered-To is put in front */
    uint64_t quota_bytes;
    uint32_t quota_messages;
    uint8_t notify;
};

struct msg_unit {
    uint64_t unit; /* the queue's number for this attempt, given back in MSG_DONE */
    uint64_t message_id;
    enum unit_way way;
    struct slice name; /* of the route or program in the configuration */
    /* WAY_ROUTE over a route with `mx`: the site, as MSG_SITE called it; else of the lane. */
    struct slice domain;
    uint64_t text_offset, text_length; /* in the descriptor that comes along */
    struct slice reverse_path;
    struct slice envid;
    enum dsn_ret ret;
    enum body_kind body;
    bool smtputf8;
    bool requiretls;
    int8_t priority; /* MT-PRIORITY */
    uint64_t received_ms;
    bool ours;              /* of local origin: to be signed where there is a key */
    struct slice signature; /* whole DKIM-Signature fields that an earlier attempt made, or empty */
    struct slice *sources_off; /* source addresses that are not to be used now */
    uint32_t n_sources_off;
    bool avoid_ipv6; /* the site does not like our IPv6: only if it has nothing else */
    struct unit_recipient *recipients;
    uint32_t n_recipients;
};

/* MSG_SITE_ASK: which servers take this domain's mail over this route (one with `mx`)? */
struct msg_site_ask {
    uint64_t request;
    struct slice route;
    struct slice domain; /* as in the address: A-labels, U-labels or an address literal */
};

enum site_status {
    SITE_FOUND = 1,
    SITE_NEVER, /* no mail can go there: no such domain 5.1.2, null MX 5.1.10, a loop 5.4.6 */
    SITE_LATER, /* cannot tell now: 4.4.3 */
};

/*
 * MSG_SITE: domains of one site have the same servers and the same demands on their security, so
 * that their mail can share connections. The name is for people too: the first host, and a mark
 * when it alone does not say it all, "mx.example.org" or "mx.example.org+3f2a91".
 */
enum { SITE_NAME_MAX = 300 };
struct msg_site {
    uint64_t request;
    enum site_status status;
    struct slice site;     /* SITE_FOUND */
    struct slice enhanced; /* else: enhanced status code "5.1.10" */
    struct slice text;     /* else: why, for people */
    uint32_t valid_ms;     /* ask again after that */
};

/* MSG_MAIL: a message of our own to be sent (a report). A long text is in the descriptor that comes
 * along instead. */
struct msg_mail {
    uint64_t request;
    struct slice from; /* reverse-path */
    struct slice to;   /* one recipient */
    struct slice text; /* whole, lines ended by CRLF */
};

/* MSG_MAIL_TAKEN: it is on disk, or it is not. */
struct msg_mail_taken {
    uint64_t request;
    bool taken;
};

/* MSG_TLS_REPORT, MSG_DMARC_REPORT: a message that looks like a TLS report (RFC 8460), a DMARC
 * aggregate report (RFC 9990), for one of our domains has been delivered. MSG_EVENTS has no struct:
 * lines of the log as base/log.h writes them in logfmt, each ended by LF. */
struct msg_report {
    uint64_t message_id;
    struct slice recipient;
    uint64_t text_offset, text_length; /* in the descriptor that comes along */
};

/* MSG_DONE: one attempt is over. Several may share a message: the encoder appends. */
enum done_kind {
    DONE_OK = 1,
    DONE_LATER,   /* 4xx, or the mail store cannot take it now */
    DONE_NEVER,   /* 5xx */
    DONE_NETWORK, /* no server answered: the whole site is in doubt */
    DONE_AGAIN,   /* it was not tried: another site is meant now, no connection was free (4.4.5), or
                     something of ours is missing, as a signature (4.3.x). Not a failed attempt; to
                     be routed anew soon */
};

struct done_recipient {
    uint32_t index;
    enum done_kind kind;
    bool dsn_passed_on;  /* the next server will send the success DSN itself */
    struct slice status; /* enhanced status code "5.1.1"; never empty */
    struct slice reply;  /* the remote server's words with its code, or ours */
};

struct msg_done {
    uint64_t unit;
    struct slice remote; /* "mx.example.org[192.0.2.1]:25", or empty: nobody was asked */
    bool remote_lmtp;
    struct slice source; /* our address on the connection, or empty */
    struct slice tls;    /* "TLSv1.3 TLS_AES_256_GCM_SHA384 dane", for people, or empty: none */
    uint32_t reused;     /* messages that this connection carried before */
    uint32_t duration_ms;
    uint32_t recipients_limit; /* LIMITS RCPTMAX of the peer, 0: unknown */
    struct slice signature;    /* fields that this attempt made for the stored text, to be kept for
                                  the next one; or empty */
    struct done_recipient *recipients;
    uint32_t n_recipients;
};

/* MSG_RUN: start the named program of the configuration as its user, text on standard input. */
struct msg_run {
    uint64_t request;
    struct slice name;
    uint64_t text_offset, text_length;
    struct slice sender; /* for the environment: SENDER, RECIPIENT, MESSAGE_ID */
    struct slice recipient;
    uint64_t message_id;
};

struct msg_ran {
    uint64_t request;
    bool started; /* false: `text` says why, try later */
    bool timed_out;
    uint32_t status;   /* exit status of sysexits(3), 256 + signal when killed */
    struct slice text; /* the first line it wrote to standard error, or why it was not started */
};

/*
 * MSG_KEYS: what can be signed with, all of it, when the two meet and when it changes. A key signs
 * for its domain and the domains below it, the nearest first; one with a sender for that address
 * alone, before the domain's others. Of the keys of one kind and scope the newest that has been
 * seen in the DNS is used.
 */
enum { KEYS_MAX = 1000 };
struct msg_key {
    struct slice domain, selector;
    struct slice sender; /* whole address, or empty: anybody of the domain */
    struct slice record; /* that must be published at SELECTOR._domainkey.DOMAIN */
    uint64_t made_s;     /* wall time */
    bool seen;           /* it was in the DNS when last looked for */
    bool retired;        /* another one has taken over: only if there is no other */
};
struct msg_keys {
    bool begins, ends; /* a list that is too long for one message comes in several */
    struct msg_key *keys;
    uint32_t n_keys;
};

/* MSG_KEY_SEEN: the record is (not) in the DNS, as of now. */
struct msg_key_seen {
    struct slice domain, selector;
    bool seen;
};

/* MSG_SIGN: this digest, with this key. MSG_SIGNED: the signature; empty: it cannot be. */
struct msg_sign {
    uint64_t request;
    struct slice domain, selector;
    struct slice digest; /* SHA-256, 32 bytes */
};
struct msg_signed {
    uint64_t request;
    struct slice signature;
};

#define MESSAGE_CODEC(name)                                                                        \
    void name##_encode(struct buf *out, const struct name *message);                               \
    int name##_decode(struct slice payload, struct arena *arena, struct name *ret_message)

MESSAGE_CODEC(msg_peer);
MESSAGE_CODEC(msg_config_taken);
MESSAGE_CODEC(msg_text);
MESSAGE_CODEC(msg_ready);
MESSAGE_CODEC(msg_admin);
MESSAGE_CODEC(msg_durable);
MESSAGE_CODEC(msg_taken);
MESSAGE_CODEC(msg_resolve);
MESSAGE_CODEC(msg_resolved);
MESSAGE_CODEC(msg_usage);
MESSAGE_CODEC(msg_unit);
MESSAGE_CODEC(msg_run);
MESSAGE_CODEC(msg_ran);
MESSAGE_CODEC(msg_site_ask);
MESSAGE_CODEC(msg_site);
MESSAGE_CODEC(msg_mail);
MESSAGE_CODEC(msg_mail_taken);
MESSAGE_CODEC(msg_report);
MESSAGE_CODEC(msg_keys);
MESSAGE_CODEC(msg_key_seen);
MESSAGE_CODEC(msg_sign);
MESSAGE_CODEC(msg_signed);

/* MSG_DONE holds one or more; decode cuts the first off *payload, until it is empty. */
void msg_done_encode(struct buf *out, const struct msg_done *message);
int msg_done_decode(struct slice *payload, struct arena *arena, struct msg_done *ret_message);

#endif
