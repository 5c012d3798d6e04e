/*
 * Locking a role in: the fence of files and TCP (Landlock), the list of system calls (seccomp), and
 * then the proof: the role tries what must fail. DESIGN section 3.
 *
 * | role    | reads and writes                    | reads            | sockets it may make |
 * |---------|-------------------------------------|------------------|---------------------|
 * | receive | spool/receive, maildrop             |                  | any, see below      |
 * | auth    | accounts                            | see below        | see below           |
 * | queue   | spool                               | users and groups | none, accepts only  |
 * | relay   | relay                               | resolver's files | any                 |
 * | local   | mail, postmaster                    |                  | none                |
 * | keys    | keys                                |                  | none                |
 * | history | history                             |                  | none                |
 * | web     |                                     |                  | none, accepts only  |
 * | program | everything: it starts programs as other users, and they would inherit the fence |
 *
 * receive accepts, and asks name servers: it connects by TCP to their ports alone, 53 and those of
 * the section `dns`. What it must know of them it has read before it locks itself in.
 *
 * relay and, where it speaks HTTPS, auth read the system's CAs, too.
 *
 * auth makes no sockets, unless the configuration that it was started with has accounts at a
 * Dovecot (then unix sockets), or asks a server about OAuth tokens (then any, connecting by TCP to
 * that server's port and to name servers alone; it reads the resolver's files and the system's
 * CAs).
 */
#ifndef NUNCIO_DAEMON_SANDBOX_H
#define NUNCIO_DAEMON_SANDBOX_H

#include "io/role.h"

/*
 * The lock_in of struct role_context. Sends MSG_READY with one line for each protection, "name
 * state detail", where state is
 *
 *   holds    tried, and refused as it must be
 *   open     tried, and it worked: the kernel lacks the protection, or this build leaves it off
 *   absent   the kernel does not have it
 *   off      left off here, the detail says why
 *
 * 0, or -errno when something the kernel has could not be put in force.
 */
int sandbox_lock_in(struct role_context *role);

#endif
