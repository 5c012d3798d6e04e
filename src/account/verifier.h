/*
 * SCRAM verifiers (RFC 5802 section 3) in the stored form of password.h, and false ones for names
 * that nobody has: their salt is the same each time it is asked for, so that asking twice tells
 * nothing, and nobody without the secret can tell it from a true one.
 */
#ifndef NUNCIO_ACCOUNT_VERIFIER_H
#define NUNCIO_ACCOUNT_VERIFIER_H

#include "account/password.h"
#include "account/sasl.h"
#include "account/store_login.h"

/* The fields of *ret_keys point into the form. False: damaged. */
bool verifier_parse(struct slice form, enum password_digest digest, struct sasl_keys *ret_keys);
/* For this name under this secret; its fields are from the arena. */
void verifier_make_false(const unsigned char secret[STORE_SECRET_BYTES],
                         enum password_digest digest, struct slice name, struct arena *arena,
                         struct sasl_keys *ret_keys);

#endif
