/*
 * SHA-256. See dkim_hash.h.
 */
#include "trust/dkim_hash.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>

static void must(bool worked)
{
    if (worked)
        return;
    fputs("nuncio: SHA-256 does not work: out of memory?\n", stderr);
    abort();
}

EVP_MD_CTX *dkim_hash_new(void)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();

    must(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1);
    return hash;
}

void dkim_hash_add(EVP_MD_CTX *hash, struct slice bytes)
{
    must(EVP_DigestUpdate(hash, bytes.ptr, bytes.len) == 1);
}

void dkim_hash_peek(const EVP_MD_CTX *hash, EVP_MD_CTX *spare, uint8_t ret_digest[32])
{
    must(EVP_MD_CTX_copy_ex(spare, hash) == 1 && EVP_DigestFinal_ex(spare, ret_digest, NULL) == 1);
}

void dkim_hash_of(struct slice bytes, uint8_t ret_digest[32])
{
    must(EVP_Digest(bytes.ptr, bytes.len, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}
