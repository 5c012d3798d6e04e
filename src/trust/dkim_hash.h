/*
 * SHA-256 with OpenSSL's calls around it out of sight. They fail for lack of memory alone, and then
 * the process ends, as with xmalloc().
 */
#ifndef NUNCIO_TRUST_DKIM_HASH_H
#define NUNCIO_TRUST_DKIM_HASH_H

#include "base/slice.h"

#include <openssl/types.h>

EVP_MD_CTX *dkim_hash_new(void); /* to be freed with EVP_MD_CTX_free() */
void dkim_hash_add(EVP_MD_CTX *hash, struct slice bytes);
/* Of what was added so far; more may follow. `spare` is overwritten. */
void dkim_hash_peek(const EVP_MD_CTX *hash, EVP_MD_CTX *spare, uint8_t ret_digest[32]);
/* All at once. */
void dkim_hash_of(struct slice bytes, uint8_t ret_digest[32]);

#endif
