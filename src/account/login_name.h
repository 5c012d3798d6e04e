/*
 * The names that people log in with, brought to the form under which accounts are known.
 */
#ifndef NUNCIO_ACCOUNT_LOGIN_NAME_H
#define NUNCIO_ACCOUNT_LOGIN_NAME_H

#include "base/arena.h"
#include "config/config.h"

/*
 * The canonical account (address_key() of mail/address.h) that a name means: SASLprep (RFC 4013), a
 * domain that is an alias replaced by what it means, and a name without a domain completed where
 * exactly one local domain is configured. False: it can be no account of ours.
 */
bool login_name_canonical(const struct config *config, struct slice name, struct arena *arena,
                          struct slice *ret_account);
/* SASLprep alone. False: it cannot be prepared. */
bool login_name_prepare(struct slice text, struct arena *arena, struct slice *ret_prepared);

#endif
