/* Text in a descriptor, for messages that are larger than a channel's payload or not ours to copy.
 */
#ifndef NUNCIO_IO_MEMORY_FILE_H
#define NUNCIO_IO_MEMORY_FILE_H

#include "base/buf.h"

/* A file in memory with that text, to be sent along with a message and closed. -errno. */
int memory_file_new(const char *name, struct slice text);

/* So many bytes from there on are added to `out`. -EFBIG beyond its bound, -ENODATA when the file
 * is shorter, else -errno. */
int memory_file_read(int fd, uint64_t offset, uint64_t length, struct buf *out);
/* The same for all of it. */
int memory_file_read_all(int fd, struct buf *out);

#endif
