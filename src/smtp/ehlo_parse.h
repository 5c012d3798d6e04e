/*
 * What a server offers: the reply to EHLO or LHLO (RFC 5321 section 4.1.1.1), as far as a client
 * makes use of it. Keywords in any case; what is not known, or is known but malformed, is left out.
 */
#ifndef NUNCIO_SMTP_EHLO_PARSE_H
#define NUNCIO_SMTP_EHLO_PARSE_H

#include "base/slice.h"

enum { EHLO_AUTH_MAX = 255 };

struct ehlo_offer {
    bool starttls;     /* RFC 3207 */
    bool requiretls;   /* RFC 8689 */
    bool mt_priority;  /* MT-PRIORITY, RFC 6710 */
    bool pipelining;   /* RFC 2920 */
    bool eightbit;     /* 8BITMIME, RFC 6152 */
    bool chunking;     /* RFC 3030 */
    bool smtputf8;     /* RFC 6531 */
    bool dsn;          /* RFC 3461 */
    bool enhanced;     /* ENHANCEDSTATUSCODES, RFC 2034 */
    bool size;         /* RFC 1870: MAIL FROM may carry SIZE= */
    uint64_t size_max; /* 0: none told */
    /* LIMITS, RFC 9422; 0: none told */
    uint32_t mail_max;
    uint32_t rcpt_max;
    uint32_t rcpt_domain_max;
    /* AUTH, RFC 4954: its mechanisms, separated by one space. What does not fit is left out. */
    char auth[EHLO_AUTH_MAX + 1];
};

/* `text` is the reply's text with lines joined by LF; its first line is the server's name. */
struct ehlo_offer ehlo_parse(struct slice text);
/* Is the SASL mechanism among those that AUTH names? In any case of letters. */
bool ehlo_offers_mechanism(const struct ehlo_offer *offer, struct slice mechanism);

#endif
