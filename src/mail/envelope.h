/*
 * The envelope of a message: everything that SMTP says about it and the text does not (RFC 5321
 * section 2.3.1), with what the DSN (3461), SMTPUTF8 (6531), REQUIRETLS (8689), MT-PRIORITY (6710),
 * FUTURERELEASE (4865) and DELIVERBY (2852) extensions add, and how it came to us.
 *
 * The stored form is a version byte and then type-length-value fields. A reader skips types that it
 * does not know only if their number says so (the high bit: "may be ignored"); it refuses others,
 * because mail must not be sent on with a promise forgotten. Strings are kept as they came.
 */
#ifndef NUNCIO_MAIL_ENVELOPE_H
#define NUNCIO_MAIL_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"

/* Under which rule the recipient was accepted. A queued message never leaves its class. */
enum recipient_class {
    CLASS_LOCAL = 1, /* a domain whose mailboxes are ours */
    CLASS_RELAY = 2, /* a domain that we relay for, from anybody */
    CLASS_AUTHORISED =
        3, /* any domain, because the sender may relay (trusted, logged in, ourselves) */
};

/* NOTIFY of RFC 3461 section 4.1; 0 when the parameter was not given. */
enum notify { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

enum dsn_ret { RET_DEFAULT = 0, RET_FULL = 1, RET_HDRS = 2 };

enum body_kind { BODY_7BIT = 0, BODY_8BITMIME = 1 };

struct recipient {
    struct slice address; /* mailbox without angle brackets; local part in its own case */
    struct slice orcpt;   /* "addr-type;xtext" exactly as given, or empty */
    struct slice via;     /* the address that expanded to this one (for Delivered-To), or empty */
    struct slice route;   /* over this route, because the administrator said so; or empty. Not part
                             of the stored envelope: see struct outcome_recipient */
    enum recipient_class class;
    uint8_t notify;
    bool junk; /* policy wants it in the Junk folder */
};

struct envelope {
    uint64_t id;               /* message id, see message_id_format() */
    uint64_t received_ms;      /* wall time of acceptance */
    struct slice reverse_path; /* without brackets; empty is <> */
    struct recipient *recipients;
    uint32_t n_recipients;
    struct slice envid; /* xtext as given, or empty */
    enum dsn_ret ret;
    enum body_kind body;
    bool smtputf8;
    bool requiretls;
    bool ours; /* of local origin: handed in by who may send here, or made here; to be signed */
    int8_t priority;             /* MT-PRIORITY -9..9, 0 by default */
    uint64_t hold_until_ms;      /* wall time, 0: not held */
    uint64_t deliver_by_ms;      /* wall time, 0: no limit */
    uint64_t size;               /* bytes of the stored text */
    struct slice auth;           /* AUTH= of RFC 4954 section 5, or empty */
    struct slice client_address; /* IP address of the client in text, empty for local origin */
    struct slice client_name;
    struct slice helo;
    struct slice login;    /* authenticated account, or empty */
    struct slice hold;     /* why queue must hold it from the start, or empty */
    struct slice listener; /* name of the listener, "sendmail", or "bounce" for our own DSNs */
    struct slice verdicts; /* opaque here: what the checks said */
};

/* Appends the stored form. Fails only by the buffer's overflow. */
void envelope_encode(struct buf *out, const struct envelope *envelope);

/*
 * Reads a stored form; strings point into `input`, the recipient array is from the arena.
 * 0, -EBADMSG for damage, -ENOTSUP for a version or a field that this program is too old for.
 * At most ENVELOPE_RECIPIENTS_MAX recipients.
 */
enum { ENVELOPE_RECIPIENTS_MAX = 100000 };
int envelope_decode(struct slice input, struct arena *arena, struct envelope *ret_envelope);

/*
 * Message ids are 64 bits, unique for ever within one state folder. In text: 13 characters of
 * Crockford's base 32, upper case, so that they can be read over a telephone and grepped for.
 */
enum { MESSAGE_ID_LEN = 13 };
struct message_id_text {
    char text[MESSAGE_ID_LEN + 1];
};
struct message_id_text message_id_format(uint64_t id);
/* Upper and lower case; o is 0, i and l are 1. */
bool message_id_parse(struct slice text, uint64_t *ret_id);

#endif
