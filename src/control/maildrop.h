/*
 * Leaves a message in the maildrop, the form of whose files is in mail/dropfile.h.
 */
#ifndef NUNCIO_CONTROL_MAILDROP_H
#define NUNCIO_CONTROL_MAILDROP_H

#include "mail/envelope.h"

/* The text's lines end in CRLF. 0 when the message is on disk under its name, else an exit code
 * with the reason in `why`: EX_TEMPFAIL when the maildrop cannot take it now. */
int maildrop_store(struct slice state, const struct envelope *envelope, struct slice text,
                   struct buf *why);

#endif
