/*
 * The auth role in memory: judges logins, senders and submissions by local parts.
 *
 * The password is "secret". later@ gets 454, odd@ a reply whose status makes no sense, and small@
 * has a limit of 600 bytes a message. An account owns itself and what begins with its local part
 * and "-" at its domain; later-...@ cannot be told now. Submissions of slow@, held@ and banned@ are
 * put off, held and refused; nobody answers those of mute@.
 *
 * PLAIN, LOGIN, CRAM-MD5 (the response is "name secret"), and SCRAM-SHA-256 as far as its number of
 * steps goes (first "name", then "secret", then nothing).
 */
#ifndef NUNCIO_TALK_FAKE_AUTH_H
#define NUNCIO_TALK_FAKE_AUTH_H

#include "receive/server.h"

/* Sets the server's seams. */
void fake_auth_open(struct server *server);
/* False when a conversation was left open. */
bool fake_auth_close(struct server *server);
/* Hands in the reply to what was asked; true when there was something. */
bool fake_auth_answer(void);
void fake_auth_hold(bool hold); /* replies are kept back */
void fake_auth_away(bool away); /* it cannot be reached; what was under way is lost */

#endif
