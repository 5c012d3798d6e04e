/*
 * The course of a session's checks: is the client who it says it is (SPF, DKIM, DMARC, ARC, iprev,
 * HELO)? The evaluators are src/trust's, what follows from their verdicts is
 * policy/authentication.h's; here is when they run, and on what.
 *
 *   connect   iprev                         EHLO   HELO, SPF of it
 *   MAIL      SPF                           text   DKIM and ARC are fed; keys are asked for when
 *                                                  the header section is whole
 *   the end   what is not known yet is waited for (PHASE_CHECKS), CHECKS_WAIT_MS at most; then the
 *             decision, and Authentication-Results in front of the text
 *
 * Questions to the DNS are under way meanwhile; until the end nobody waits for them. Mail of who
 * has logged in, of `trusted` and `unchecked` networks, and over unix sockets is not checked.
 */
#ifndef NUNCIO_RECEIVE_CHECKS_H
#define NUNCIO_RECEIVE_CHECKS_H

#include "receive/session.h"

enum { CHECKS_WAIT_MS = 20 * 1000, CHECKS_ROOM = 32 * 1024 };

/* The client is known, or is another one now. */
void checks_meet_client(struct session *session);
/* It has said its name. */
void checks_hear_hello(struct session *session);
/* MAIL: the transaction is there. */
void checks_begin(struct session *session);
/* The text begins: fills in what of the intake's options concerns checks. */
void checks_begin_text(struct session *session, struct intake_options *options);
/* The text is whole. */
void checks_end_text(struct session *session);

/* False while verdicts are under way; the session is woken when it may be otherwise. Without
 * patience what has not come yet has failed, and the return is true. */
bool checks_are_done(struct session *session, bool patience);
/*
 * The verdicts are there: what becomes of the message. A reply with a code refuses it; without one
 * it goes on, with its recipients marked and the fields in front of its body. Events go to the log.
 */
struct smtp_reply checks_decide(struct session *session, struct step *step);

/* The transaction, the session is over. */
void checks_end_message(struct checks_message *message); /* NULL is fine */
void checks_end(struct session *session);

#endif
