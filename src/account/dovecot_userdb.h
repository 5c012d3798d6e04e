/*
 * Who exists, asked of Dovecot's userdb socket: the master side of its authentication protocol,
 * version 1.
 */
#ifndef NUNCIO_ACCOUNT_DOVECOT_USERDB_H
#define NUNCIO_ACCOUNT_DOVECOT_USERDB_H

#include "account/directory.h"
#include "account/dovecot_client.h"

extern const struct dovecot_protocol dovecot_userdb_protocol;

/* The parameters of USER; empty when the address cannot be sent. */
struct slice dovecot_userdb_request(struct slice address, struct arena *arena);
/* What an answer means; NULL: none has come. *ret_entry is set with DIRECTORY_FOUND. */
enum directory_status dovecot_userdb_verdict(const struct dovecot_line *line,
                                             struct directory_entry *ret_entry);

#endif
