/*
 * sendmail -bs: SMTP on standard input and output, for programs that speak it to a pipe.
 *
 * The caller is a local user, so what holds is what holds for sendmail: the message goes into the
 * maildrop, and 250 is said when it is on disk there. Enough of RFC 5321 for a client (with
 * 8BITMIME, SIZE, SMTPUTF8, DSN, ENHANCEDSTATUSCODES, PIPELINING), and no more.
 */
#ifndef NUNCIO_CONTROL_SENDMAIL_SESSION_H
#define NUNCIO_CONTROL_SENDMAIL_SESSION_H

#include "control/submission.h"

/* Until QUIT or the end of the input. An exit code. */
int sendmail_session_run(const struct submission_site *site, int input, int output);

#endif
