/*
 * Listening sockets as tasks of a pool: each accepts what has come and starts sessions.
 */
#ifndef NUNCIO_RECEIVE_LISTENER_H
#define NUNCIO_RECEIVE_LISTENER_H

#include "receive/session.h"

/* `server`, `pool`, `settings` and `fd` (listening, non-blocking) are set; the rest is filled in.
 * The struct and its settings outlive the pool. -errno: the descriptor stays the caller's. */
int listener_start(struct listener *listener);

#endif
