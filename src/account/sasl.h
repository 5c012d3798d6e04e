/*
 * One SASL conversation (RFC 4422), the server's side: responses of the client in, events out. It
 * does no look-up, no hashing and no waiting itself; events say what it needs of its owner.
 *
 *   PLAIN, LOGIN (RFC 4616)           CLAIM (name, password)        accept or refuse
 *   EXTERNAL (RFC 4422, appendix A)   CLAIM (authzid)               accept or refuse
 *   XOAUTH2, OAUTHBEARER (RFC 7628)   CLAIM (token)                 accept or refuse
 *   SCRAM-* (RFC 5802, 7677)          LOOKUP, provide ... PROVED    accept or drop
 *   CRAM-MD5 (RFC 2195)               LOOKUP, provide ... PROVED    accept or drop
 *
 * A conversation belongs to one thread. What it holds of secrets is wiped when it is freed.
 */
#ifndef NUNCIO_ACCOUNT_SASL_H
#define NUNCIO_ACCOUNT_SASL_H

#include "base/buf.h"
#include "config/mechanism.h"

/* In octets. A longer one is malformed. */
enum { SASL_NAME_MAX = 512, SASL_PASSWORD_MAX = 1024, SASL_TOKEN_MAX = 8192 };

enum sasl_event {
    SASL_EVENT_CHALLENGE = 1, /* send `data`; then sasl_step() with the response */
    SASL_EVENT_LOOKUP,        /* what verifies sasl_claim()->name? sasl_provide() */
    SASL_EVENT_CLAIM,         /* verify sasl_claim(); then sasl_accept() or sasl_refuse() */
    SASL_EVENT_PROVED,        /* he knows the password of sasl_claim()->name; sasl_accept() */
    SASL_EVENT_DONE,
    SASL_EVENT_FAILED,    /* wrong: `why`, for the log */
    SASL_EVENT_MALFORMED, /* against the mechanism's rules: `why` */
};

/* Slices and text are the conversation's or static, valid until its next call. */
struct sasl_result {
    enum sasl_event event;
    struct slice data;
    const char *why;
};

/* As the client says it, nothing is canonical. Valid until the conversation is freed. */
struct sasl_claim {
    struct slice name;    /* authentication identity; empty for EXTERNAL and OAuth */
    struct slice authzid; /* whom he wants to be; mostly empty */
    struct slice secret;  /* password or token */
};

/* What verifies SCRAM and CRAM-MD5. For a name that nobody has, a false one that cannot be told
 * from a true one (account/verifier.h), and `known` false: then no proof is ever right. */
struct sasl_keys {
    bool known;
    unsigned iterations;
    struct slice salt, stored_key, server_key; /* SCRAM; base64 */
    struct slice secret;                       /* CRAM-MD5: the password */
};

struct sasl_facts {
    struct slice binding; /* tls-exporter's bytes (RFC 9266), or empty */
    bool plus_offered;    /* so that a client who believes otherwise was deceived (RFC 5802, 6) */
};

/* What conversations share: GNU SASL's context. */
struct sasl_engine;
/* NULL when the library cannot be initialised. */
struct sasl_engine *sasl_engine_new(void);
void sasl_engine_free(struct sasl_engine *engine); /* NULL is fine */

struct sasl;
/* NULL: no such mechanism, or one that this connection cannot have (-PLUS without a binding). */
struct sasl *sasl_new(struct sasl_engine *engine, enum mechanism mechanism,
                      const struct sasl_facts *facts);
void sasl_free(struct sasl *sasl); /* NULL is fine */

/* The first call starts; only there may `has_response` be false. */
struct sasl_result sasl_step(struct sasl *sasl, bool has_response, struct slice response);
/* After LOOKUP. */
struct sasl_result sasl_provide(struct sasl *sasl, const struct sasl_keys *keys);
/* After CLAIM and PROVED: DONE, or a last CHALLENGE. */
struct sasl_result sasl_accept(struct sasl *sasl);
/* After CLAIM: FAILED, or a last CHALLENGE whose response ends in FAILED (RFC 7628, 3.2.2). */
struct sasl_result sasl_refuse(struct sasl *sasl);

const struct sasl_claim *sasl_claim(const struct sasl *sasl);

#endif
