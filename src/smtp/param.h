/*
 * The arguments of MAIL and RCPT: path and ESMTP parameters (RFC 5321 section 4.1.2 with SIZE of
 * RFC 1870, BODY of RFC 6152, SMTPUTF8 of RFC 6531, RET, ENVID, NOTIFY and ORCPT of RFC 3461, AUTH
 * of RFC 4954 section 5, MT-PRIORITY of RFC 6710, REQUIRETLS of RFC 8689).
 *
 * A parser returns a reply with code 0 and sets its output, or returns the reply that refuses the
 * command, its text in the arena. Slices of the output point into the argument. More lenient than
 * the grammar in two things that honest senders get wrong: blanks behind the colon, and a path
 * without its angle brackets.
 */
#ifndef NUNCIO_SMTP_PARAM_H
#define NUNCIO_SMTP_PARAM_H

#include "mail/address.h"
#include "mail/envelope.h"
#include "smtp/reply.h"

struct smtp_mail {
    struct address from;
    uint64_t size; /* 0: not told */
    enum body_kind body;
    bool smtputf8;
    enum dsn_ret ret;
    struct slice envid; /* xtext */
    struct slice auth;  /* xtext: a mailbox or "<>"; empty: not given */
    int8_t priority;    /* MT-PRIORITY, -9..9 */
    bool requiretls;
};

struct smtp_rcpt {
    struct address to;
    uint8_t notify;     /* enum notify, or-ed; 0: not given */
    struct slice orcpt; /* "addr-type;xtext" */
};

/* What follows the verb: "FROM:<path> parameters". */
struct smtp_reply smtp_mail_parse(struct slice argument, struct arena *arena,
                                  struct smtp_mail *ret_mail);
/* "TO:<path> parameters"; `smtputf8` as MAIL said. */
struct smtp_reply smtp_rcpt_parse(struct slice argument, bool smtputf8, struct arena *arena,
                                  struct smtp_rcpt *ret_rcpt);

#endif
