/*
 * The channel binding tls-exporter (RFC 9266): bytes that both ends of one TLS connection, and
 * nobody else, can tell.
 */
#ifndef NUNCIO_IO_TLS_BINDING_H
#define NUNCIO_IO_TLS_BINDING_H

#include <stdbool.h>

enum { TLS_BINDING_BYTES = 32 };

struct ssl_st;

/* Of a connection whose handshake is over. False: it has none that is safe. */
bool tls_binding_read(struct ssl_st *ssl, unsigned char out[TLS_BINDING_BYTES]);

#endif
