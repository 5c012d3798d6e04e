/*
 * A password from the person at the command line, or one that is made for him; and what the store
 * keeps of it.
 */
#ifndef NUNCIO_CONTROL_ACCOUNT_SECRET_H
#define NUNCIO_CONTROL_ACCOUNT_SECRET_H

#include "control/account_session.h"

/* By --stdin, or on a terminal (twice when `twice`), without echo. Exit code; empty when nothing
 * was typed. From the arena; wipe it with account_secret_wipe(). */
int account_secret_read(struct account_session *session, bool twice, struct slice *ret_password);
void account_secret_wipe(struct slice password);

/* EX_OK, or EX_DATAERR after telling why it would be guessed; --force lets all pass. */
int account_secret_check(struct account_session *session, struct slice address,
                         struct slice password);

/* What verifies it: yescrypt, SCRAM as far as the configuration has it, and the CRAM-MD5 secret
 * when `cram`. Exit code. */
int account_secret_hash(struct account_session *session, struct slice password, bool cram,
                        struct store_passwords *ret_passwords);

#endif
