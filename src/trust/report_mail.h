/*
 * The mail that carries a report (RFC 8460 section 5.3, RFC 9990 section 3.5.2): a sentence for
 * people and the packed report as an attachment. Pure.
 */
#ifndef NUNCIO_TRUST_REPORT_MAIL_H
#define NUNCIO_TRUST_REPORT_MAIL_H

#include "base/buf.h"

struct report_mail {
    const char *kind;       /* "tlsrpt": for Message-ID and boundary */
    struct slice from, to;  /* addresses */
    struct slice domain;    /* that the report is about */
    struct slice submitter; /* our host name */
    struct slice report_id;
    int64_t begin, end;    /* of the report, for the file's name */
    int64_t date;          /* seconds, of the mail */
    uint64_t message_id;   /* unique */
    struct slice fields;   /* further header fields, each with CRLF */
    const char *multipart; /* "multipart/report; report-type=tlsrpt" */
    struct slice text;     /* for people, ASCII in lines with CRLF */
    const char *type;      /* of the attachment: "application/gzip" */
    const char *extension; /* of its file: "xml.gz" */
    struct slice gzip;
};

/* The whole message, lines ended by CRLF. */
void report_mail_write(struct buf *out, const struct report_mail *mail);

#endif
