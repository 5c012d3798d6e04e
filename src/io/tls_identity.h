/*
 * Who we are under TLS: certificates with their keys, and which of them answer for a name.
 *
 * Immutable once made; from any thread.
 */
#ifndef NUNCIO_IO_TLS_IDENTITY_H
#define NUNCIO_IO_TLS_IDENTITY_H

#include "io/tls_material.h"

struct ssl_st;
struct ssl_ctx_st;
struct tls_identities;

/* NULL with OpenSSL's words in `why` when a pair is no good: not PEM, the key of another
 * certificate. Nothing of `material` is kept but in OpenSSL's own memory. */
struct tls_identities *tls_identities_new(const struct tls_material *material, char *why,
                                          size_t why_size);
void tls_identities_free(struct tls_identities *identities); /* NULL is fine */

/* The first pair of each key type: for names that no pair has. -EINVAL as above, for example when a
 * key is too short for today. */
int tls_identities_use_default(const struct tls_identities *identities, struct ssl_ctx_st *context,
                               char *why, size_t why_size);

/* The pairs of a host: those that have its very name, else those with a wildcard for its first
 * label (RFC 9525 section 6.3). Of several with one key type the first counts. */
bool tls_identities_has_host(const struct tls_identities *identities, struct slice host);
/* Puts them in; without such pairs the session keeps the default. False: out of memory. */
bool tls_identities_use_host(const struct tls_identities *identities, struct slice host,
                             struct ssl_st *ssl);

#endif
