/*
 * A socket for tasks of a pool (io/tasks.h): nothing blocks, a call that cannot go on says in which
 * direction to wait. Plain here; what encrypts comes to stand behind the same calls, and then a
 * read may have to wait for room to write. Code with a thread of its own uses io/stream.h.
 */
#ifndef NUNCIO_IO_TRANSPORT_H
#define NUNCIO_IO_TRANSPORT_H

#include "base/slice.h"

#include <sys/types.h>

struct transport {
    int fd;
    unsigned want; /* enum task_want: the direction after -EAGAIN */
};

/* Bytes read, 0 at the end, or -errno (-EAGAIN: wait as `want` says). */
ssize_t transport_read(struct transport *transport, void *to, size_t size);
/* Bytes written, at least one, or -errno. */
ssize_t transport_write(struct transport *transport, struct slice bytes);
void transport_close(struct transport *transport);

#endif
