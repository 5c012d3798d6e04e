/*
 * A DMARC aggregate report as mail (RFC 9990 section 3.5.2): recognised and taken
 * apart. Pure.
 */
#ifndef NUNCIO_TRUST_DMARC_REPORT_MAIL_H
#define NUNCIO_TRUST_DMARC_REPORT_MAIL_H

#include "base/arena.h"
#include "base/buf.h"

/* Might this be a report? By the header section alone; `message` may end behind it. */
bool dmarc_report_mail_is_meant(struct slice message, struct arena *arena);

/* The report's XML, decoded and unpacked into `out`, which bounds it. NULL, or what is wrong with
 * it, for people. */
const char *dmarc_report_mail_read(struct slice message, struct arena *arena, struct buf *out);

#endif
