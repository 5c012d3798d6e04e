/*
 * The session's part in AUTH beside the command itself, see cmd_auth.c: for the files of the
 * session only.
 */
#ifndef NUNCIO_RECEIVE_AUTH_H
#define NUNCIO_RECEIVE_AUTH_H

#include "receive/session.h"

/* "\nAUTH PLAIN LOGIN", a line of EHLO's reply; empty when there is nothing to offer. */
struct slice auth_keyword(const struct session *session, struct arena *scratch);
/* Lines of this client may hold secrets: nobody has logged in, and it could be done. */
bool auth_may_come(const struct session *session);
/* Nobody is logged in any more, and nobody is about to be: the client is another one now, or TLS
 * has begun (RFC 3207 section 4.2). */
void auth_forget(struct session *session);

/* PHASE_AUTH: takes what auth has said; false when that is nothing yet, and the wait goes on. */
bool auth_finish(struct session *session, struct step *step);
/* PHASE_AUTH: it has said nothing for too long. */
void auth_time_out(struct session *session, struct step *step);
/* PHASE_AUTH_LINE: a response; false when no whole line is there. */
bool auth_take_line(struct session *session, struct step *step, struct slice *input);

#endif
