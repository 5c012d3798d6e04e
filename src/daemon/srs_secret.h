/*
 * The secret that addresses of the Sender Rewriting Scheme are made with: state/srs.secret, made at
 * the first start. It is the administrator's to replace: the first line makes new addresses, the
 * others are still good for bounces to older ones (trust/srs.h tells the form).
 */
#ifndef NUNCIO_DAEMON_SRS_SECRET_H
#define NUNCIO_DAEMON_SRS_SECRET_H

#include "base/problem.h"

#include <limits.h>

/* "<state>/srs.secret" into a buffer of PATH_MAX bytes; false if it does not fit. */
bool srs_secret_path(char *out, const char *state);
/* Makes it unless it is there. -errno, and a problem. */
int srs_secret_make(const char *state, struct problem_list *problems);

#endif
