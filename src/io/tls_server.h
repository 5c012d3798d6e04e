/*
 * The server's side of TLS: contexts made of certificates, SNI, ALPN "smtp" (a client that offers
 * ALPN without it is refused, RFC 7301; that keeps other protocols' clients from being fooled into
 * speaking to us), session tickets under keys that change.
 *
 * A tls_server is immutable and reference-counted: a renewed certificate makes a new one, and
 * sessions keep theirs. Ticket keys are the process's and outlive it. From any thread.
 */
#ifndef NUNCIO_IO_TLS_SERVER_H
#define NUNCIO_IO_TLS_SERVER_H

#include "io/tls_material.h"

struct ssl_st;
struct tls_server;

struct tls_rules {
    bool only_1_3; /* otherwise TLS 1.2 as well */
};

/* 0; -EINVAL with OpenSSL's words in `why` when there is no pair, or a pair or a CA is no good. */
int tls_server_new(const struct tls_material *material, const struct tls_rules *rules,
                   struct tls_server **ret_server, char *why, size_t why_size);
struct tls_server *tls_server_ref(struct tls_server *server);
void tls_server_unref(struct tls_server *server); /* NULL is fine */

/* For io/transport.c: the server's end of one connection of a listener, which must not outlive the
 * tls_server. NULL: out of memory. */
struct ssl_st *tls_server_open(const struct tls_server *server, struct slice listener,
                               bool ask_certificate, bool require_certificate);

#endif
