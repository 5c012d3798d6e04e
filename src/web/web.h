/*
 * The web role: serves what the other roles count, for a monitoring system. It runs only while the
 * configuration has `web` with an address.
 */
#ifndef NUNCIO_WEB_WEB_H
#define NUNCIO_WEB_WEB_H

#include "io/role.h"

/* Runs the role until the parent says stop. 0 or -errno. */
int web_main(struct role_context *role);

#endif
