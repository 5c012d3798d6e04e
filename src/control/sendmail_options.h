/*
 * The command line of sendmail(1): the options of the original that programs use. What means
 * nothing here is accepted and ignored.
 */
#ifndef NUNCIO_CONTROL_SENDMAIL_OPTIONS_H
#define NUNCIO_CONTROL_SENDMAIL_OPTIONS_H

#include "mail/envelope.h"

enum sendmail_mode {
    SENDMAIL_DELIVER, /* -bm, and without -b */
    SENDMAIL_SMTP,    /* -bs: SMTP on standard input and output */
    SENDMAIL_VERIFY,  /* -bv */
    SENDMAIL_LIST,    /* -bp */
    SENDMAIL_NOTHING, /* -bi, -q: what the server does by itself; --help */
};

struct sendmail_options {
    enum sendmail_mode mode;
    const char *config;    /* -C */
    const char *sender;    /* -f, -r; NULL: the caller */
    const char *full_name; /* -F; NULL: the password file's */
    const char *envid;     /* -V */
    uint8_t notify;        /* -N */
    enum dsn_ret ret;      /* -R */
    bool dots;             /* a line with a dot alone ends the message; not with -i, -oi */
    bool from_header;      /* -t */
};

/* Sets optind to the first recipient. 0, or EX_USAGE after saying on stderr what is wrong. */
int sendmail_options_parse(int argc, char **argv, struct sendmail_options *ret_options);

#endif
