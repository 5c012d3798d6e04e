/*
 * Private keys of DKIM as PEM (PKCS #8, or PKCS #1 as older tools write it), and what is done with
 * them: made, read, and asked to sign. Pure, but for the random numbers. Thread-safe.
 */
#ifndef NUNCIO_KEYS_KEY_PEM_H
#define NUNCIO_KEYS_KEY_PEM_H

#include "base/buf.h"
#include "trust/dkim_key.h"

/* What every verifier must take (RFC 8301 section 3.2), and what is made by default. */
enum { KEY_BITS_MIN = 1024, KEY_BITS_MAX = 4096, KEY_BITS_DEFAULT = 2048 };
enum { KEY_PEM_MAX = 16 * 1024, KEY_SIGNATURE_MAX = 512 };

/* The key, to be freed with EVP_PKEY_free(); or NULL with the reason for people, which says what to
 * do. */
EVP_PKEY *key_pem_read(struct slice pem, const char **ret_why);
/* PKCS #8, not encrypted. The buffer has a secret then: key_pem_wipe(). False: no memory. */
bool key_pem_write(struct buf *out, EVP_PKEY *key);
/* Overwrites all that the buffer has held and frees it. */
void key_pem_wipe(struct buf *pem);

enum dkim_key_kind key_kind(EVP_PKEY *key);
unsigned key_bits(EVP_PKEY *key);

/* NULL when OpenSSL will not. `bits` is for RSA. */
EVP_PKEY *key_make(enum dkim_key_kind kind, unsigned bits);

/* RSASSA-PKCS1-v1_5 of a SHA-256 digest, or Ed25519 of the digest as a message (RFC 8463 section
 * 3). Its length, 0: it cannot be. */
size_t key_sign(EVP_PKEY *key, struct slice digest, uint8_t ret_signature[KEY_SIGNATURE_MAX]);

#endif
