/*
 * TLS clients by the CAs that routes name. One for each file, made anew when the file has changed;
 * connections keep the one that they began with. Thread-safe.
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

/*
 * A reference to the client for the CAs in the file at `path`. NULL: they cannot be had, and `why`
 * says why.
 */
struct tls_client *tls_clients_get(struct tls_clients *clients, struct slice path,
                                   char why[TLS_CLIENTS_WHY_MAX]);

#endif
