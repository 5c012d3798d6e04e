/*
 * The history role: keeps what the other roles tell of their events (MSG_EVENTS), so that
 * `nuncio why` can tell the story of a message. It has no network and only its folder, takes the
 * CPU time that the others leave, and is never waited for: what it cannot take in time is dropped
 * by its senders and counted there. It is stopped last.
 */
#ifndef NUNCIO_HISTORY_HISTORY_H
#define NUNCIO_HISTORY_HISTORY_H

#include "io/role.h"

/* Runs the role until the parent says stop. 0 or -errno. */
int history_main(struct role_context *role);

#endif
