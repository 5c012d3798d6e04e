/*
 * The relay role: takes units from queue, carries them over SMTP or LMTP to the servers of their
 * route, and tells queue what became of each recipient (MSG_UNIT and MSG_DONE of io/message.h).
 */
#ifndef NUNCIO_RELAY_RELAY_H
#define NUNCIO_RELAY_RELAY_H

#include "io/role.h"

/* Runs until the parent says stop or is gone. Exit code of sysexits.h. */
int relay_main(struct role_context *role);

#endif
