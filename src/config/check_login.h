/*
 * Rules between sections about who is speaking: what a listener asks for must be what it can be
 * answered with. Part of check.c's work.
 */
#ifndef NUNCIO_CONFIG_CHECK_LOGIN_H
#define NUNCIO_CONFIG_CHECK_LOGIN_H

#include "config/setting.h"

/* Without any `listen` section: mx on 25, submission on 587 (STARTTLS) and on 465 (TLS at once). */
void check_login_add_default_listeners(struct config *config);
/* Fills in what follows from `auth` as well. */
void check_login(struct reader *reader);

#endif
