/*
 * The local role: takes units from queue, delivers them into Maildirs or hands them to programs,
 * and tells queue what became of each recipient.
 *
 *   state/mail/<domain>/<user>/   the Maildir of user@domain (see name.h for the exact mapping)
 *   state/postmaster/             the Maildir of the account "postmaster" without a domain
 *
 * It needs: read and write below these two folders, its channels to queue, auth and program, and
 * the descriptors that come with units. It never executes anything and needs no network.
 */
#ifndef NUNCIO_LOCAL_LOCAL_H
#define NUNCIO_LOCAL_LOCAL_H

#include "io/role.h"

/* Runs the role until the parent says stop. 0, or -errno when it could not start. */
int local_main(struct role_context *role);

#endif
