/*
 * What the sessions ask the auth role, from any thread, waiting for the answer: what a recipient
 * is, whether an account owns a sender, whether it may hand in a message. A small cache spares a
 * busy address the question for a second. The role's main loop hands the answers in.
 */
#ifndef NUNCIO_IO_LOOKUP_H
#define NUNCIO_IO_LOOKUP_H

#include "io/ask.h"
#include "io/login_message.h"

struct lookup;

struct lookup *lookup_new(const struct ask_options *options);
void lookup_free(struct lookup *lookup);

/* RESOLVE_LATER when auth is away, slow, or asked by too many threads for too long. */
enum resolve_status lookup_ask(struct lookup *lookup, struct slice address);
/* May the account send as the address? RESOLVE_OWN, RESOLVE_UNKNOWN or RESOLVE_LATER. */
enum resolve_status lookup_ask_owner(struct lookup *lookup, struct slice account,
                                     struct slice address);
/* Each time anew, since auth counts. The text is from the arena; the verdict is 0 when there is
 * no answer. The request number is filled in here. */
void lookup_ask_submission(struct lookup *lookup, const struct msg_submission *question,
                           struct arena *arena, struct msg_submission_reply *ret_reply);

/* A MSG_RESOLVED or MSG_SUBMISSION_REPLY payload has come. Nonsense and late ones are dropped. */
void lookup_answer(struct lookup *lookup, struct slice payload);
void lookup_submission_answer(struct lookup *lookup, struct slice payload);
/* From now on every question goes without an answer at once: the role is coming to its end. */
void lookup_close(struct lookup *lookup);
/* The channel to auth is gone: whoever waits is told so. */
void lookup_lost(struct lookup *lookup);

#endif
