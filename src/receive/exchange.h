/*
 * The sessions' side of SASL conversations with the auth role (RFC 4422; io/login_message.h).
 *
 * A session starts a conversation, parks, and is woken when auth has said something; it takes that
 * and, being asked, responds. Sessions call from any thread, one at a time for each conversation;
 * the role's main loop hands the replies in. Nothing here holds a response for longer than it takes
 * to send it.
 */
#ifndef NUNCIO_RECEIVE_EXCHANGE_H
#define NUNCIO_RECEIVE_EXCHANGE_H

#include "io/login_message.h"

struct task;

struct exchange_options {
    /* Sends a MSG_SASL payload to auth; from any thread. 0 or -errno. */
    int (*send)(void *arg, struct slice payload);
    void *arg;
    void (*wake)(struct task *task);
};

struct exchanges;
struct exchange; /* a conversation */

struct exchange_answer {
    struct arena arena; /* of the reply's strings */
    struct msg_sasl_reply reply;
};

struct exchanges *exchanges_new(const struct exchange_options *options);
/* There are no conversations any more. */
void exchanges_free(struct exchanges *exchanges);

/* Sends `start` (step and number are filled in). NULL: auth is away or behind. */
struct exchange *exchange_start(struct exchanges *exchanges, struct task *task,
                                struct msg_sasl *start);
/* False: auth is away or behind. */
bool exchange_respond(struct exchanges *exchanges, struct exchange *exchange,
                      struct slice response);
/* What auth has said since, to be freed; NULL: nothing yet. When auth is gone it is a failure with
 * code 454. */
struct exchange_answer *exchange_take(struct exchanges *exchanges, struct exchange *exchange);
void exchange_answer_free(struct exchange_answer *answer); /* NULL is fine */
/* Forgets the conversation; auth is told unless it has had the last word. NULL is fine. */
void exchange_end(struct exchanges *exchanges, struct exchange *exchange);

/* A MSG_SASL_REPLY payload has come. Those for conversations that are no more are dropped. */
void exchanges_reply(struct exchanges *exchanges, struct slice payload);
/* The channel to auth is gone, and with it all conversations. */
void exchanges_lost(struct exchanges *exchanges);

#endif
