/*
 * The MAIL and RCPT commands as the server's offer allows them: SIZE (RFC 1870), BODY (6152),
 * SMTPUTF8 (6531), RET, ENVID, NOTIFY and ORCPT (3461). Parameters that are not offered are left
 * out. Strings go out as they were stored; command_is_safe() says whether they may.
 */
#ifndef NUNCIO_RELAY_COMMAND_H
#define NUNCIO_RELAY_COMMAND_H

#include "io/message.h"
#include "smtp/ehlo_parse.h"

struct command_mail {
    const struct msg_unit *unit;
    uint64_t size; /* of the text */
    bool body_8bitmime;
    bool smtputf8;
    bool requiretls; /* say REQUIRETLS */
};

void command_add_mail(struct buf *out, const struct ehlo_offer *offer,
                      const struct command_mail *mail);
/* Where the transaction has no SMTPUTF8, an ORCPT of type utf-8 goes in its ASCII form (RFC 6533
 * section 3). */
void command_add_rcpt(struct buf *out, const struct ehlo_offer *offer,
                      const struct unit_recipient *recipient, bool smtputf8);

/* No control characters: nothing that could end the command and begin another. */
bool command_is_safe(struct slice argument);

#endif
