/*
 * What the parent has handed over to relay (MSG_FILE): passwords and tokens for smarthosts, and the
 * CAs that other servers must be known to. Thread-safe; texts are copied out, and are the caller's
 * to wipe.
 */
#ifndef NUNCIO_RELAY_HANDED_H
#define NUNCIO_RELAY_HANDED_H

#include "base/buf.h"
#include "io/files.h"

struct handed;

/* Bytes of a file with a password or token, and of one with CAs. */
enum { HANDED_SECRET_MAX = 64 * 1024, HANDED_CA_MAX = 4 * 1024 * 1024 };

struct handed *handed_new(void);
void handed_free(struct handed *handed);
/* The descriptor stays the caller's. -ENOSPC: too many files. */
int handed_take(struct handed *handed, const struct msg_file *message, int fd);

/*
 * The file's text, appended to `out` in one piece, so that no copy is left behind; true. Or false,
 * and `out` gets the reason. *ret_version counts the changes of the file, 0: not handed over yet.
 */
bool handed_read(struct handed *handed, struct slice path, struct buf *out, unsigned *ret_version);
/* Counts the changes of all files. */
unsigned handed_version(struct handed *handed);

#endif
