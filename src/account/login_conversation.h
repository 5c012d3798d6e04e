/*
 * Conversations from login.c's side: their steps, and the replies that wait for their time.
 */
#ifndef NUNCIO_ACCOUNT_LOGIN_CONVERSATION_H
#define NUNCIO_ACCOUNT_LOGIN_CONVERSATION_H

#include "account/login_inside.h"

/* MSG_SASL, decoded. */
void conversation_start(struct login *login, enum role from, const struct msg_sasl *message);
void conversation_respond(struct login *login, enum role from, const struct msg_sasl *message);
void conversation_abort(struct login *login, enum role from, uint64_t number);

struct conversation *conversation_of_job(struct login *login, uint64_t job);
void conversation_free(struct conversation *c);
/* Those of a peer that is gone. */
void conversations_drop(struct login *login, enum role from);
/* Those whose client has said nothing for LOGIN_IDLE_MS. */
void conversations_expire(struct login *login, uint64_t now_ms);
/* c->reply, now: the conversation waits for the client, or is over and gone. */
void conversation_reply(struct conversation *c);
void conversation_challenge(struct conversation *c, struct slice data);
/* A failure without a conversation. */
void login_refuse(struct login *login, enum role from, uint64_t number, enum login_failure failure,
                  const char *why);
/* Replies whose time has come. */
void conversations_send_due(struct login *login, uint64_t now_ms);

#endif
