/*
 * Landlock: the kernel's own fence around a process: which files it may touch, which TCP calls it
 * may make. No privilege is needed to go behind it, and there is no way back.
 */
#ifndef NUNCIO_DAEMON_LANDLOCK_H
#define NUNCIO_DAEMON_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum landlock_grant {
    GRANT_READ,  /* files and folders below may be read */
    GRANT_WRITE, /* and written, made, renamed, linked and removed */
};

struct landlock_path {
    const char *path; /* one that does not exist is passed over */
    enum landlock_grant grant;
};

struct landlock_rules {
    const struct landlock_path *paths;
    size_t n_paths;
    bool tcp_connect; /* to any port; binding is never granted but to port 0 along with this */
    const uint16_t *tcp_ports; /* to these alone, without tcp_connect */
    size_t n_tcp_ports;
};

/* The version of the interface that the kernel offers, or 0: none, or too old to be of use (before
 * version 2 no file could be renamed from one folder to another). */
int landlock_version(void);

/* Fences the calling thread and what it starts. 0 or -errno. */
int landlock_enter(const struct landlock_rules *rules);

#endif
