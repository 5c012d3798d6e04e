/*
 * Opening a file that the configuration names: never a FIFO or a device, which could hold the
 * parent up, and never one without a bound.
 */
#ifndef NUNCIO_DAEMON_REGULAR_FILE_H
#define NUNCIO_DAEMON_REGULAR_FILE_H

#include "base/arena.h"

#include <sys/stat.h>

enum { REGULAR_FILE_WHY_SIZE = 128 };

/* A descriptor for reading, its facts in *ret_stat; or -errno with words for a person in `why`,
 * without the path. */
int regular_file_open(struct slice path, uint64_t max, struct stat *ret_stat,
                      char why[REGULAR_FILE_WHY_SIZE]);

/* The whole content, from the arena. 0, or as above. */
int regular_file_read(struct slice path, uint64_t max, struct arena *arena, struct slice *ret_text,
                      struct stat *ret_stat, char why[REGULAR_FILE_WHY_SIZE]);

#endif
