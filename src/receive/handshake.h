/*
 * TLS in a session: when it is offered, when it must be there, and PHASE_TLS, in which the
 * handshake goes on. For the files of the session only.
 */
#ifndef NUNCIO_RECEIVE_HANDSHAKE_H
#define NUNCIO_RECEIVE_HANDSHAKE_H

#include "receive/session.h"

/* EHLO names STARTTLS. */
bool handshake_is_offered(const struct session *session);
/* The listener wants TLS before all but a few commands, and there is none yet (RFC 3207 section 4).
 */
bool handshake_is_due(const struct session *session);
/* No reply would be understood now: TLS has begun, and is not there yet or has failed. */
bool handshake_keeps_silent(const struct session *session);

/* PHASE_TLS begins; a reply that was written before goes out first. */
void handshake_begin(struct session *session);
/* PHASE_TLS: a step. True when it is over, one way or the other. */
bool handshake_run(struct session *session, struct step *step);
/* PHASE_TLS: the client takes too long. */
void handshake_time_out(struct session *session);

#endif
