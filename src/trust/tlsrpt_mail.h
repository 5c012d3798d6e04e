/*
 * A TLS report as mail (RFC 8460 section 5.3): made, recognised and taken apart. Pure.
 */
#ifndef NUNCIO_TRUST_TLSRPT_MAIL_H
#define NUNCIO_TRUST_TLSRPT_MAIL_H

#include "base/arena.h"
#include "base/buf.h"

struct tlsrpt_mail {
    struct slice from, to;
    struct slice domain;    /* that the report is about */
    struct slice submitter; /* our host name */
    struct slice report_id;
    int64_t start, end;  /* of the report, for the file's name */
    int64_t date;        /* seconds, of the mail */
    uint64_t message_id; /* for Message-ID and boundary; unique */
    struct slice gzip;   /* the report */
};
/* The whole message, lines ended by CRLF, with "TLS-Required: No" (RFC 8689), because the way may
 * be broken that it tells of. */
void tlsrpt_mail_write(struct buf *out, const struct tlsrpt_mail *mail);

/* Might this be a report? By the header section alone; `message` may end behind it. */
bool tlsrpt_mail_is_meant(struct slice message, struct arena *arena);

/* The report's JSON, decoded and unpacked into `out`, which bounds it. NULL, or what is wrong with
 * it, for people. */
const char *tlsrpt_mail_read(struct slice message, struct arena *arena, struct buf *out);

#endif
