/*
 * Inside of login.h: a conversation, and what its parts call of each other.
 *
 *   login.c              threads, time, what is offered
 *   login_conversation.c steps in
 *   login_verdict.c      replies out
 *   login_password.c     PLAIN and LOGIN: hashes, app passwords, second factors
 *   login_proof.c        SCRAM and CRAM-MD5
 *   login_certificate.c  EXTERNAL
 *   login_token.c        XOAUTH2 and OAUTHBEARER
 *   login_blocks.c       who has failed too often
 *
 * A conversation that was given to conversation_fail() or conversation_accept(), or to a function
 * here that says it decides, may be gone afterwards.
 */
#ifndef NUNCIO_ACCOUNT_LOGIN_INSIDE_H
#define NUNCIO_ACCOUNT_LOGIN_INSIDE_H

#include "account/hasher.h"
#include "account/login.h"
#include "account/login_blocks.h"
#include "account/oauth.h"
#include "account/sasl.h"

#include <uthash.h>

struct login_counts {
    uint64_t logins, failures, blocked, later;
};

struct login {
    struct login_host host;
    struct loop *loop;
    struct config *config;
    const struct files *files;
    struct sasl_engine *engine;
    struct hasher *hasher;
    struct oauth *oauth;
    struct login_blocks *blocks;
    struct conversation *by_number, *by_job;
    struct conversation *replying; /* by due_ms */
    struct loop_timer *replies, *tick;
    unsigned ticks;
    uint64_t last_job;
    uint64_t store_version;
    unsigned mechanisms; /* as told last */
    unsigned secret_version, ca_version;
    struct login_counts counts;
    struct buf out; /* of one message */
};

struct conversation {
    struct login *login;
    enum role from;
    enum mechanism mechanism;
    uint64_t number; /* the asker's */
    uint64_t job;    /* ours, for what runs on threads */
    struct sasl *sasl;
    struct arena arena;
    struct sasl_client client;
    uint64_t arrived_ms;         /* the last step */
    bool waiting;                /* for the client */
    struct directory *directory; /* has not answered yet */
    struct slice account;        /* canonical, or empty: the name can be none of ours */

    /* Of a password. */
    bool known, enabled, checks_itself;
    bool with_code; /* the directory checks the password in front of the code */
    struct slice form;
    struct store_factor factor;
    struct store_app_password *apps;
    size_t n_apps;

    /* Of a certificate: the accounts that it may mean. */
    struct slice *names;
    size_t n_names;

    bool decided; /* the verdict stands; what follows is form */
    bool delayed;
    uint64_t due_ms;
    struct msg_sasl_reply reply;      /* the verdict, or what waits for its time */
    struct conversation *prev, *next; /* of login->replying */
    UT_hash_handle hh, hh_job;
};

enum login_failure {
    FAILURE_WRONG,     /* unknown name, wrong password, disabled account */
    FAILURE_BLOCKED,   /* too many of these */
    FAILURE_LATER,     /* something that is needed is down */
    FAILURE_BUSY,      /* too much to do */
    FAILURE_MALFORMED, /* no SASL */
    FAILURE_MECHANISM, /* none that this connection can have */
    FAILURE_FACTOR,    /* the password is right, and not enough */
    FAILURE_PROOF,     /* likewise, and this mechanism cannot carry more */
    FAILURE_CODE,      /* the password is right, the code is wrong */
    FAILURE_CODE_USED, /* or was used already */
};

/* Both decide. `why` is for the log, and copied. */
void conversation_fail(struct conversation *c, enum login_failure failure, const char *why);
void conversation_accept(struct conversation *c, const char *why);

/* c->account from the claim's name. False: it has failed (blocked, or wants to be another). */
bool conversation_name(struct conversation *c, struct slice name);
/* Whether he may (still) try; otherwise it has failed. */
bool conversation_may_try(struct conversation *c);
/* Whether the client's certificate is registered to c->account or has its address in it: 1, 0, or
 * -errno. */
int conversation_certificate(struct conversation *c);
/* The store, or NULL after the conversation has failed. */
struct store *conversation_store(struct conversation *c);
/* Reads r as a result of the store: true when it is 0 or STORE_MISSING; otherwise it has failed. */
bool conversation_read(struct conversation *c, int r);

/* What the mechanisms do with a claim, and with answers. All decide, or wait. */
void login_password_claim(struct conversation *c);
void login_password_hashed(struct conversation *c, int tag);
void login_proof_lookup(struct conversation *c);
void login_proof_proved(struct conversation *c);
void login_certificate_claim(struct conversation *c);
void login_token_claim(struct conversation *c);
void login_token_answered(struct conversation *c, const struct oauth_answer *answer);

/* A result of the conversation's SASL side: on to whoever it concerns. */
void conversation_go_on(struct conversation *c, struct sasl_result result);

#endif
