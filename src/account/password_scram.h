/*
 * A SCRAM verifier from a salt that is given: password_scram() without chance.
 */
#ifndef NUNCIO_ACCOUNT_PASSWORD_SCRAM_H
#define NUNCIO_ACCOUNT_PASSWORD_SCRAM_H

#include "account/password.h"

int password_scram_with(enum password_digest digest, struct slice password, struct slice salt,
                        unsigned iterations, struct arena *arena, struct slice *ret_form);

#endif
