/*
 * Inside of sasl.h: what a conversation holds, and the table of functions of each mechanism.
 */
#ifndef NUNCIO_ACCOUNT_SASL_METHOD_H
#define NUNCIO_ACCOUNT_SASL_METHOD_H

#include "account/sasl.h"

struct Gsasl;
struct Gsasl_session;

struct sasl_method {
    struct sasl_result (*start)(struct sasl *sasl, bool has_response, struct slice response);
    struct sasl_result (*step)(struct sasl *sasl, struct slice response);
    struct sasl_result (*provide)(struct sasl *sasl, const struct sasl_keys *keys);
    struct sasl_result (*accept)(struct sasl *sasl);
    struct sasl_result (*refuse)(struct sasl *sasl);
};

/* What may come next. */
enum sasl_state {
    SASL_STATE_NEW,
    SASL_STATE_RESPONSE, /* sasl_step() */
    SASL_STATE_LOOKUP,   /* sasl_provide() */
    SASL_STATE_VERDICT,  /* sasl_accept(), sasl_refuse() */
    SASL_STATE_OVER,
};

struct sasl {
    struct sasl_engine *engine;
    enum mechanism mechanism;
    const struct sasl_method *method;
    enum sasl_state state;
    unsigned stage; /* the mechanism's own */
    bool plus_offered;
    bool known;           /* of the keys provided */
    struct buf binding;   /* base64 */
    struct buf name;      /* what the claim's slices point into */
    struct buf held;      /* likewise: a response that holds a secret */
    struct buf challenge; /* what the last result's data point into */
    struct sasl_claim claim;
    struct Gsasl_session *session;
};

struct sasl_engine {
    struct Gsasl *gsasl;
};

extern const struct sasl_method sasl_plain, sasl_login, sasl_external, sasl_oauth, sasl_scram,
    sasl_cram;

struct sasl_result sasl_challenge(struct sasl *sasl, struct slice data);
struct sasl_result sasl_event(struct sasl *sasl, enum sasl_event event, const char *why);
/* Ends GNU SASL's session; its copies of secrets are wiped as far as it lets us reach them. */
void sasl_end_session(struct sasl *sasl);
/* Keeps a copy, wiped at the end; what was held before goes. */
struct slice sasl_hold(struct buf *held, struct slice bytes);

/* A name and a secret have no NUL, are not empty and not too long. */
bool sasl_name_is_fine(struct slice name);
bool sasl_password_is_fine(struct slice password);

/* The parts of an OAuth response, pointing into it; a decoded authzid is put into `name`. RFC 7628
 * section 3.1, and Google's form for XOAUTH2. False: malformed. */
bool sasl_oauth_parse(struct slice response, bool google, struct buf *name,
                      struct sasl_claim *ret_claim);

#endif
