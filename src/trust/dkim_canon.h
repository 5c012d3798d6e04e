/*
 * The two canonicalisations of DKIM (RFC 6376 section 3.4): of header fields at once, of a body
 * while it goes by. Pure.
 *
 * A bare LF is a line end like CRLF, because messages from files have them and because a signer
 * turns them into CRLF before it signs (section 5.3). A bare CR is a byte like others.
 */
#ifndef NUNCIO_TRUST_DKIM_CANON_H
#define NUNCIO_TRUST_DKIM_CANON_H

#include "base/buf.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* A header field, `raw` as it stands with or without its last line end, in canonical form with
 * CRLF. At most 2 bytes longer than what went in, and one for each bare LF. */
void dkim_canon_field(enum dkim_canon canon, struct slice raw, struct buf *out);

struct dkim_canon_body {
    enum dkim_canon canon;
    void (*take)(void *arg, struct slice canonical); /* pieces of any size */
    void *arg;
    uint64_t size;    /* octets of the canonical body so far */
    uint64_t ends;    /* line ends that are not handed on yet, since they may be the last ones */
    bool in_line;     /* content of this line was handed on */
    bool blank;       /* relaxed: blanks have come that may stand before a line end */
    bool cr;          /* the last byte was CR */
    bool has_content; /* anything but line ends was handed on */
    size_t n_held;
    char held[4096]; /* small pieces on their way to take() */
};

void dkim_canon_body_init(struct dkim_canon_body *body, enum dkim_canon canon,
                          void (*take)(void *arg, struct slice canonical), void *arg);
void dkim_canon_body_feed(struct dkim_canon_body *body, struct slice piece);
/* The end: a last line without line end gets one, empty lines at the end fall away. */
void dkim_canon_body_end(struct dkim_canon_body *body);

#endif
