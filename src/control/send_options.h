/* The command line of `nuncio send`. */
#ifndef NUNCIO_CONTROL_SEND_OPTIONS_H
#define NUNCIO_CONTROL_SEND_OPTIONS_H

#include "config/config.h"

enum { SEND_RECIPIENTS_MAX = 1000 };

enum send_tls { SEND_CLEAR, SEND_STARTTLS, SEND_IMPLICIT };

struct send_options {
    struct slice from; /* empty: <> */
    struct slice to[SEND_RECIPIENTS_MAX];
    uint32_t n_to;
    const char *helo;   /* NULL: this machine's name */
    const char *data;   /* a file, "-", or NULL: a message of our own */
    const char *config; /* the file that was named, or NULL */
    enum send_tls tls;
    bool verify; /* the certificate must be good for the server's name */
    bool lmtp;
    bool bdat;
    bool no_pipelining;
    bool quiet; /* results only */
    struct config_endpoint server;
};

/* 0, or an exit code of sysexits.h after saying on stderr what is wrong; *ret_done when all is said
 * (--help) and the exit code is 0. */
int send_options_parse(int argc, char **argv, struct send_options *ret_options, bool *ret_done);

#endif
