/*
 * The words of a command line (RFC 5321 section 4.1.1): which verb, and what comes after it.
 */
#ifndef NUNCIO_SMTP_COMMAND_H
#define NUNCIO_SMTP_COMMAND_H

#include "base/slice.h"

enum smtp_verb {
    SMTP_UNKNOWN,
    SMTP_AUTH,
    SMTP_BDAT,
    SMTP_DATA,
    SMTP_EHLO,
    SMTP_EXPN,
    SMTP_HELO,
    SMTP_HELP,
    SMTP_LHLO,
    SMTP_MAIL,
    SMTP_NOOP,
    SMTP_QUIT,
    SMTP_RCPT,
    SMTP_RSET,
    SMTP_STARTTLS,
    SMTP_VRFY,
    SMTP_XCLIENT,
    SMTP_VERBS,
};

struct smtp_command {
    enum smtp_verb verb;
    struct slice word;     /* the verb as it came */
    struct slice argument; /* without blanks at both ends */
};

struct smtp_command smtp_command_parse(struct slice line);
const char *smtp_verb_name(enum smtp_verb verb); /* "MAIL" */

/*
 * The name that a client gives itself with EHLO, HELO or LHLO: printable ASCII or UTF-8 without
 * blanks, not empty, at most 255 octets. Whether it is a domain or an address literal (RFC 5321
 * section 4.1.3) is not asked: too many honest clients have neither.
 */
bool smtp_hello_name_is_valid(struct slice name);

enum { SMTP_HELLO_NAME_MAX = 255 };

/* "BDAT size [LAST]" (RFC 3030 section 2). False when it is not that. */
bool smtp_bdat_parse(struct slice argument, uint64_t *ret_size, bool *ret_last);

#endif
