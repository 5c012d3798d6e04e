/*
 * Aggregate reports of DMARC (RFC 9990), made: the XML of one, and the mail that carries it. Pure.
 */
#ifndef NUNCIO_TRUST_DMARC_REPORT_WRITE_H
#define NUNCIO_TRUST_DMARC_REPORT_WRITE_H

#include "base/buf.h"
#include "trust/dmarc_report.h"

/* Section 3.1.4 asks for no more signatures of a row than these; the first ones are written, so
 * they belong in the order of that section. */
enum { DMARC_REPORT_SIGNATURES_MAX = 100, DMARC_REPORT_TEXT_MAX = 1000 };

/*
 * The whole document, valid by the schema whatever the strings are: words that it does not know
 * become "none", "fail", "other"; text is escaped, cut to DMARC_REPORT_TEXT_MAX octets, and what is
 * no UTF-8 or no character of XML becomes "?". The buffer's max is the bound: returned is how many
 * rows have found room. Not even the frame: overflow.
 */
uint32_t dmarc_report_write(struct buf *out, const struct dmarc_report *report);

struct dmarc_report_mail {
    struct slice from, to;  /* addresses */
    struct slice domain;    /* policy domain, A-labels */
    struct slice submitter; /* our host name */
    struct slice report_id; /* as in the report: a dot-atom, perhaps with "@" and another */
    int64_t begin, end;     /* of the report, for the file's name */
    int64_t date;           /* seconds, of the mail */
    uint64_t message_id;    /* for Message-ID and boundary; unique */
    struct slice gzip;      /* the report, by gzip_pack() */
};
/* The whole message, lines ended by CRLF. */
void dmarc_report_mail_write(struct buf *out, const struct dmarc_report_mail *mail);

#endif
