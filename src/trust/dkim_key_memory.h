/*
 * Public keys that were used before: a server sees the same few over and over, and loading one
 * costs a third of verifying with it. A memory of a fixed size for the whole process; from any
 * thread.
 */
#ifndef NUNCIO_TRUST_DKIM_KEY_MEMORY_H
#define NUNCIO_TRUST_DKIM_KEY_MEMORY_H

#include "trust/dkim_key.h"

/* As dkim_key_load(), and the same key without loading it when it is known. */
EVP_PKEY *dkim_key_recall(const struct dkim_key *key);

#endif
