/*
 * Who listens on a TCP port, for the message that says it is taken.
 */
#ifndef NUNCIO_DAEMON_PORT_OWNER_H
#define NUNCIO_DAEMON_PORT_OWNER_H

#include <stddef.h>
#include <stdint.h>

enum { PORT_OWNER_MAX = 96 };

/* "master, process 812" into `out`, which is left alone when it cannot be found out: another user's
 * process shows its descriptors to root only. */
void port_owner_find(uint16_t port, char *out, size_t size);

#endif
