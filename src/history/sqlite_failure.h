/* What a failure of SQLite means to those who keep events and reports in it. */
#ifndef NUNCIO_HISTORY_SQLITE_FAILURE_H
#define NUNCIO_HISTORY_SQLITE_FAILURE_H

/* Negative errno-like: -EBUSY, -ENOSPC, -EUCLEAN (damaged), -ENOENT, -EACCES, else -EIO. */
int sqlite_failure(int code);

#endif
