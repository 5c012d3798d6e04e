/*
 * The server: the parent process with all its roles, in the foreground until it is told to stop.
 */
#ifndef NUNCIO_DAEMON_DAEMON_H
#define NUNCIO_DAEMON_DAEMON_H

#include "config/config.h"
#include "daemon/roles.h"

struct daemon_options {
    const char *config_path;
    bool as_caller; /* even when root: all roles run as the calling user */
    const struct role_table *roles;
    /* Once, when every role has locked itself in. May be NULL. */
    void (*on_ready)(void *arg, const struct config *config);
    void *arg;
};

/* Returns an exit code of sysexits.h. What prevents the start goes to standard error. */
int daemon_serve(const struct daemon_options *options);

#endif
