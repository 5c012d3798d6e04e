/*
 * DKIM key records (RFC 6376 section 3.6.1, RFC 8463): read, with every legal spelling, and
 * written. Pure.
 */
#ifndef NUNCIO_TRUST_DKIM_KEY_H
#define NUNCIO_TRUST_DKIM_KEY_H

#include "base/arena.h"
#include "base/buf.h"

#include <openssl/types.h>

enum dkim_key_kind { DKIM_KEY_RSA, DKIM_KEY_ED25519 };

struct dkim_key {
    enum dkim_key_kind kind;
    struct slice data;    /* p= decoded: SubjectPublicKeyInfo or RSAPublicKey; 32 bytes of Ed25519;
                             empty: revoked */
    bool sha1, sha256;    /* h= allows it */
    bool email;           /* s= allows e-mail */
    bool testing, strict; /* t= */
};

/* NULL, or what is wrong with it, for people. */
const char *dkim_key_read(struct slice record, struct arena *arena, struct dkim_key *ret_key);

/* The public key, to be freed with EVP_PKEY_free(); NULL when the data is none, or not of its
 * kind. */
EVP_PKEY *dkim_key_load(const struct dkim_key *key);

/* "v=DKIM1; k=rsa; p=..." for the public half of `key`, an RSA or Ed25519 key. False when it is
 * neither. */
bool dkim_key_write(struct buf *out, EVP_PKEY *key);

/* Is this published record of the key whose record we would write? Compares keys, not spelling. */
bool dkim_key_matches(struct slice record, struct slice our_record);

#endif
