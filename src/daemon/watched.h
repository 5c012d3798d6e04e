/*
 * Files that are looked at from time to time: has one of them changed? Links are followed, so that
 * a name that comes to mean another file (as certbot does it) is a change. A file that is not there
 * is as good as one that is: that it comes or goes is a change too.
 */
#ifndef NUNCIO_DAEMON_WATCHED_H
#define NUNCIO_DAEMON_WATCHED_H

#include "base/slice.h"

#include <sys/stat.h>

/* What tells one content of a file from the next without reading it. */
struct watched_identity {
    int error; /* of stat(2), 0: it is there */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct watched_file {
    char *path;
    struct watched_identity seen;
};

/* All zero: none. */
struct watched {
    struct watched_file *list;
    size_t count;
};

/* Adds the file as it is now, unless it is among them. */
void watched_add(struct watched *watched, struct slice path);
/* Looks at all; true when one differs from how it was at the last look. */
bool watched_look(struct watched *watched);
void watched_done(struct watched *watched);

#endif
