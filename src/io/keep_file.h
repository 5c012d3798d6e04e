/*
 * A file that is whole or not there: written beside, synced, renamed, and the folder synced.
 */
#ifndef NUNCIO_IO_KEEP_FILE_H
#define NUNCIO_IO_KEEP_FILE_H

#include "base/buf.h"

/* What is not whole yet has this name; a folder has one writer at a time. */
#define KEEP_FILE_UNFINISHED "+unfinished"

/* -errno. */
int keep_file_write(int folder, const char *name, struct slice content);
/* All of it, -errno, or -EFBIG when it is larger than the buffer may be. Not through a link. */
int keep_file_read(int folder, const char *name, struct buf *content);

#endif
