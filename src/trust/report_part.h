/*
 * The report that a mail carries, of TLS (RFC 8460) or DMARC (RFC 9990): found, decoded, unpacked.
 * Pure.
 */
#ifndef NUNCIO_TRUST_REPORT_PART_H
#define NUNCIO_TRUST_REPORT_PART_H

#include "base/buf.h"
#include "mail/mime.h"

enum { REPORT_MAIL_MAX = 20 << 20 }; /* bytes of a mail that is looked into */

/* A parameter of the field in that header section, or empty: the name of an attachment. */
struct slice report_part_param(struct slice section, struct slice field_name, struct slice param,
                               struct arena *arena);

/* Is this leaf the report? */
typedef bool report_is_part(const struct mime_part *part, struct slice file_name);

/* The first such part, decoded and unpacked (gzip or zip) into `out`, which bounds it. NULL, or
 * what is wrong with the mail, for people. */
const char *report_part_read(struct slice message, report_is_part *is_part, struct arena *arena,
                             struct buf *out);

#endif
