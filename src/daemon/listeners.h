/*
 * The sockets that the server is reached by. The parent binds them, since ports below 1024 and
 * folders of unix sockets may need root; receive and queue inherit them and only accept.
 */
#ifndef NUNCIO_DAEMON_LISTENERS_H
#define NUNCIO_DAEMON_LISTENERS_H

#include "config/config.h"

struct listeners {
    int *fds; /* one for each address of each listener, in the configuration's order */
    unsigned count;
};

/* Binds them all, or none: each that cannot be had is a problem that says who has it and what to
 * change; then -EADDRINUSE. */
int listeners_open(const struct config *config, struct listeners *ret_listeners,
                   struct problem_list *problems);
/* Closes them; unix sockets stay as files and are taken over by the next start. */
void listeners_close(struct listeners *listeners);

/* A listening unix socket at `path` with this mode. A file left by a dead server is replaced, a
 * living one is -EADDRINUSE. Returns the descriptor or -errno. */
int listeners_bind_unix(const char *path, unsigned mode);

#endif
