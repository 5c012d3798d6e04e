/* Enhanced mail system status codes: class.subject.detail (RFC 3463, RFC 2034, RFC 5248). */
#ifndef NUNCIO_MAIL_STATUS_H
#define NUNCIO_MAIL_STATUS_H

#include "base/slice.h"

struct status {
    uint8_t class;    /* 2, 4 or 5; 0: no status */
    uint16_t subject; /* 0 to 999 */
    uint16_t detail;  /* 0 to 999 */
};

#define STATUS(c, s, d) ((struct status){.class = (c), .subject = (s), .detail = (d)})

struct status_text {
    char text[16];
};
/* "5.1.1"; numbers out of range are clipped. */
struct status_text status_format(struct status status);

/* The code at the beginning of `text`, which must end there or go on with a blank. *ret_len is the
 * length of the code and of the one blank behind it; may be NULL. */
bool status_parse(struct slice text, struct status *ret_status, size_t *ret_len);

/* What a basic reply code says when the server gave no enhanced one, or one of another class:
 * 550 is 5.0.0 unless there is something better to say, as for 552 (5.2.2). */
struct status status_from_reply(unsigned code);

/* The code of a reply: the enhanced one in front of its text if that fits the class of `code`,
 * otherwise status_from_reply(). */
struct status status_of_reply(unsigned code, struct slice text);

#endif
