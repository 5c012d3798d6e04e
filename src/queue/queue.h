/*
 * The queue role: takes what receive has put on disk, decides where each recipient goes and when,
 * has relay and local deliver it, and writes down what became of it.
 *
 * It needs: read and write below state/spool/, its channels to parent, receive, auth, relay and
 * local, and the control socket (role->control). It needs no network, no mailbox and no account.
 */
#ifndef NUNCIO_QUEUE_QUEUE_H
#define NUNCIO_QUEUE_QUEUE_H

#include "io/role.h"

/* Runs the role until the parent says stop. 0, or -errno when it could not start. */
int queue_main(struct role_context *role);

#endif
