/*
 * TLS clients: one for the system's CAs, and one for each file of CAs that routes name, made anew
 * when the file has changed or the configuration is loaded again; connections keep the one that
 * they began with. Thread-safe.
 */
#ifndef NUNCIO_RELAY_TLS_CLIENTS_H
#define NUNCIO_RELAY_TLS_CLIENTS_H

#include "config/config.h"
#include "io/tls_client.h"
#include "relay/handed.h"

struct tls_clients;

enum { TLS_CLIENTS_WHY_MAX = 300 };

struct tls_clients *tls_clients_new(struct handed *handed);
void tls_clients_free(struct tls_clients *clients); /* NULL is fine */
/* The system's CAs are read now, for the connections to come; to be called once before any. -errno:
 * those of before stay. */
int tls_clients_read_system(struct tls_clients *clients);

/*
 * A reference to the client for the CAs in the file at `path`, or for the system's when that is
 * empty. NULL: they cannot be had, and `why` says why.
 */
struct tls_client *tls_clients_get(struct tls_clients *clients, struct slice path,
                                   char why[TLS_CLIENTS_WHY_MAX]);

#endif
