/*
 * Sealed memory files: bytes that go to another process by descriptor, and that nobody can change
 * any more once they are sealed.
 */
#ifndef NUNCIO_DAEMON_SEALED_H
#define NUNCIO_DAEMON_SEALED_H

#include "base/slice.h"

/* An empty one. Its descriptor, or -errno. */
int sealed_new(const char *name);
/* Appends; before it is sealed. 0 or -errno. */
int sealed_write(int fd, struct slice bytes);
/* 0 or -errno. */
int sealed_finish(int fd);

#endif
