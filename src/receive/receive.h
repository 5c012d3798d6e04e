/*
 * The receive role: SMTP, LMTP and submission listeners, and the maildrop of sendmail(1).
 */
#ifndef NUNCIO_RECEIVE_RECEIVE_H
#define NUNCIO_RECEIVE_RECEIVE_H

#include "io/role.h"

/* The role's main function; returns an exit code of sysexits.h. */
int receive_main(struct role_context *role);

#endif
