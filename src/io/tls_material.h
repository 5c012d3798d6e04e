/*
 * What receive speaks TLS with: certificates with their keys, and the CAs of client certificates.
 * The parent reads and checks the files, receive makes contexts of them. The stored form travels in
 * a sealed memfd (MSG_TLS).
 */
#ifndef NUNCIO_IO_TLS_MATERIAL_H
#define NUNCIO_IO_TLS_MATERIAL_H

#include "base/arena.h"
#include "base/buf.h"

struct tls_pair {
    struct slice name;   /* of the `certificate` section; "self-signed" for our own */
    struct slice chain;  /* PEM, the server's own first */
    struct slice key;    /* PEM, not encrypted */
    struct slice *hosts; /* DNS names of the SAN, lower case, "*.example.org" as it stands */
    uint32_t n_hosts;
};

struct tls_client_ca {
    struct slice listener; /* name */
    struct slice cas;      /* PEM */
};

enum { TLS_PAIRS_MAX = 1000, TLS_HOSTS_MAX = 1000, TLS_MATERIAL_MAX = 16 * 1024 * 1024 };

/* The first pair of each key type (RSA, ECDSA) answers for names that no pair has, and for clients
 * that name none. */
struct tls_material {
    struct tls_pair *pairs;
    uint32_t n_pairs;
    struct tls_client_ca *client_cas;
    uint32_t n_client_cas;
};

void tls_material_encode(struct buf *out, const struct tls_material *material);
/* Strings point into `stored`, arrays are from the arena. 0 or -EBADMSG. */
int tls_material_decode(struct slice stored, struct arena *arena,
                        struct tls_material *ret_material);

#endif
