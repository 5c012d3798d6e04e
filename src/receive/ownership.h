/*
 * Who has logged in writes as himself: the reverse-path of MAIL, and every author that the header
 * claims (mail/author.h), must be addresses that the account owns. Which those are is asked of the
 * auth role; what becomes of a foreign one is a setting of the account's domain.
 */
#ifndef NUNCIO_RECEIVE_OWNERSHIP_H
#define NUNCIO_RECEIVE_OWNERSHIP_H

#include "receive/repair.h"
#include "receive/session.h"

/* MAIL: code 0, or the refusal. *ret_path is what the reverse-path becomes: as given, or the
 * account's own. */
struct smtp_reply ownership_check_path(struct session *session, struct slice reverse_path,
                                       struct arena *scratch, struct slice *ret_path);

/* For intake_options.judge, with the session; the text of a refusal is the transaction's. */
struct smtp_reply ownership_check_header(void *arg, struct slice header, struct repair *repair);

#endif
