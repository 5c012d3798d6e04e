/* The part of a delivery status notification that people read. See dsn.h. */
#ifndef NUNCIO_MAIL_DSN_TEXT_H
#define NUNCIO_MAIL_DSN_TEXT_H

#include "mail/dsn.h"

/* What the subject says: the worst of the news, and whom it is about. */
void dsn_text_subject(struct buf *out, const struct dsn *dsn);

/* Lines ended by CRLF, of at most 998 octets; UTF-8 where addresses or replies are. */
void dsn_text_body(struct buf *out, const struct dsn *dsn);

/* One line of a stranger's text: control bytes and what is not UTF-8 become "?". */
void dsn_text_clean(struct buf *out, struct slice text);

#endif
