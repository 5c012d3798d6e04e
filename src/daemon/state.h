/*
 * The state folder: who owns what in it, and the lock that keeps a second server out.
 *
 *   state/            0755 root
 *   state/run/        0755 root             control.sock, nuncio.lock
 *   state/tls/        0700 root             the certificate that the server made for itself
 *   state/srs.secret  0600 root             see daemon/srs_secret.h
 *   state/spool/      0750 nuncio-queue:nuncio-spool   its lock lies here
 *   state/spool/receive/  2770 nuncio-receive:nuncio-spool   queue reads and unlinks here
 *   state/spool/queue/    0700 nuncio-queue
 *   state/accounts/   0700 nuncio-auth
 *   state/mail/       0700 nuncio-local     an IMAP server reads it as that user
 *   state/postmaster/ 0700 nuncio-local
 *   state/keys/       0700 nuncio-keys      private keys of DKIM, see keys/key_store.h
 *   state/history/    2750 nuncio-history    its group is `control { read_group }` if there is one
 *   state/maildrop/   3733 nuncio-receive   any user may leave a message, none may look
 *
 * Started by an ordinary user, all of it is that user's, with the same modes.
 */
#ifndef NUNCIO_DAEMON_STATE_H
#define NUNCIO_DAEMON_STATE_H

#include "daemon/privilege.h"

#include <limits.h>

/* Makes what is missing and sets owners and modes of what is there (of these folders alone, never
 * of their contents). What cannot be done goes to the list; then -EACCES. */
int state_prepare(const char *state, const struct identities *identities,
                  struct problem_list *problems);

/*
 * Takes the lock; its descriptor is inherited by the roles, so that it is free only when the last
 * process of a server is gone. Waits up to wait_ms for that. When another server has it: a problem
 * that names its pid, and -EBUSY.
 */
int state_lock(const char *state, unsigned wait_ms, int *ret_fd, struct problem_list *problems);

/*
 * To be called by a role after it changed its user: can it reach and use its folders? If not, the
 * problem names the path and the first folder on the way that is shut, and -EACCES.
 */
int state_check_reach(const char *state, enum role role, struct problem_list *problems);

/* "<state>/<name>" into a buffer of PATH_MAX bytes; false if it does not fit. */
bool state_path(char *out, const char *state, const char *name);

#endif
