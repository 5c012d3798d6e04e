/*
 * The grammar of AUTH (RFC 4954 section 4): the command's argument, response lines and challenges.
 *
 * What a client responds holds secrets. Decoders write to the caller's buffer, which is the
 * caller's to wipe, and never move it once it has room.
 */
#ifndef NUNCIO_SMTP_SASL_H
#define NUNCIO_SMTP_SASL_H

#include "smtp/reply.h"

/* Octets of a response line with its CRLF, and what "AUTH mechanism " adds in front of an initial
 * response. RFC 4954 lets no client send that in more than 512 octets, but access tokens are longer
 * and there are clients that do. */
enum { SMTP_SASL_LINE_MAX = 12288 + 2, SMTP_AUTH_LINE_MAX = SMTP_SASL_LINE_MAX + 32 };
enum { SMTP_SASL_NAME_MAX = 20 }; /* RFC 4422 section 3.1 */

struct smtp_auth {
    struct slice mechanism; /* as given; 1 to 20 octets of the right alphabet, in any case */
    bool has_initial;
    struct slice initial; /* in base64, or "=" for an empty one */
};

/* What follows AUTH. Code 0 with the output set, or the reply that refuses it. */
struct smtp_reply smtp_auth_parse(struct slice argument, struct smtp_auth *ret_auth);

/* A line of a client that was asked to respond. */
enum smtp_sasl_line {
    SMTP_SASL_RESPONSE, /* decoded */
    SMTP_SASL_CANCEL,   /* "*" */
    SMTP_SASL_LONG,     /* more than `response` has room for */
    SMTP_SASL_BAD,      /* no base64 */
};

/* Appends the decoded octets; only with SMTP_SASL_RESPONSE. */
enum smtp_sasl_line smtp_sasl_response(struct slice line, struct buf *response);
/* The same for smtp_auth.initial, where "=" is an empty response and "*" is not base64. */
enum smtp_sasl_line smtp_sasl_initial(struct slice initial, struct buf *response);

/* "334 base64" and CRLF. */
void smtp_sasl_challenge(struct buf *out, struct slice challenge);

#endif
