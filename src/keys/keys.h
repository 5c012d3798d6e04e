/*
 * The keys role: the only one that can read private keys of DKIM. It tells relay which there are
 * (MSG_KEYS), signs digests for it (MSG_SIGN), and remembers which of them are in the DNS
 * (MSG_KEY_SEEN). It has no network and one folder. It runs also while there are no keys, so that
 * the first that is made is taken up as any other, without a restart.
 */
#ifndef NUNCIO_KEYS_KEYS_H
#define NUNCIO_KEYS_KEYS_H

#include "io/role.h"

/* Runs the role until the parent says stop. 0 or -errno. */
int keys_main(struct role_context *role);

#endif
