/*
 * The auth role: which recipients, aliases and quotas exist. It answers MSG_RESOLVE and takes note
 * of MSG_USAGE (io/message.h).
 */
#ifndef NUNCIO_ACCOUNT_AUTH_H
#define NUNCIO_ACCOUNT_AUTH_H

#include "io/role.h"

/* Runs until stop; an exit code of sysexits.h. */
int auth_main(struct role_context *role);

#endif
