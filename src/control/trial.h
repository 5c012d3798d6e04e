/*
 * The server that `make run` starts: for looking, on this machine alone, without any preparation.
 */
#ifndef NUNCIO_CONTROL_TRIAL_H
#define NUNCIO_CONTROL_TRIAL_H

#include "daemon/daemon.h"

/*
 * Makes ./var and ./var/nuncio.conf where they are missing, serves as the calling user, and prints
 * what a newcomer needs to send a message. A second call finds everything again. Exit code.
 */
int trial_serve(struct daemon_options *options);

#endif
