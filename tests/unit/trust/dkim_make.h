/*
 * Signatures as no sensible signer makes them: a DKIM-Signature field in any spelling, signed
 * rightly. "@BH@" in the field becomes the body hash, "@B@" the signature.
 */
#ifndef NUNCIO_TESTS_TRUST_DKIM_MAKE_H
#define NUNCIO_TESTS_TRUST_DKIM_MAKE_H

#include "base/buf.h"

#include <openssl/types.h>

/* `out` becomes the whole message: `above`, the field, `below`. */
void dkim_make(struct buf *out, const char *above, const char *field, const char *below,
               EVP_PKEY *key);

/* Signs a digest as the keys role does; at most 1024 bytes. */
struct slice dkim_make_signature(EVP_PKEY *key, const uint8_t digest[32],
                                 unsigned char ret_signature[1024]);

#endif
