/*
 * Passwords, verified by Dovecot: the client side of its authentication protocol, version 1
 * (https://doc.dovecot.org, "Dovecot Authentication Protocol"), with the mechanism PLAIN.
 */
#ifndef NUNCIO_ACCOUNT_DOVECOT_AUTH_H
#define NUNCIO_ACCOUNT_DOVECOT_AUTH_H

#include "account/directory.h"
#include "account/dovecot_client.h"

extern const struct dovecot_protocol dovecot_auth_protocol;

/* The parameters of AUTH, with the password in them: to be wiped. Empty when they cannot be sent
 * (a NUL in one of them, or too long). */
enum { DOVECOT_AUTH_MAX = 4096 };
struct slice dovecot_auth_request(struct slice account, struct slice password,
                                  struct slice client_address, char ret_text[DOVECOT_AUTH_MAX]);
/* What an answer means; NULL: none has come. *ret_why is from the arena. */
enum directory_status dovecot_auth_verdict(const struct dovecot_line *line, struct arena *arena,
                                           struct slice *ret_why);

#endif
