/*
 * The web role: metrics for Prometheus over HTTP, where the configuration's `web` says so. It
 * counts nothing itself: each request is passed on to the parent, which asks all roles.
 */
#ifndef NUNCIO_WEB_WEB_H
#define NUNCIO_WEB_WEB_H

#include "io/role.h"

/* Runs until the parent says stop or is gone. Exit code of sysexits.h. */
int web_main(struct role_context *role);

#endif
