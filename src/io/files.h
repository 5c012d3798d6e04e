/*
 * Files of the configuration that only the parent may open, as it handed them over (MSG_FILE): user
 * tables, passwords and tokens, CA certificates. Path to text.
 *
 * Bounded: FILES_MAX paths of FILE_TEXT_MAX bytes. Texts may be secrets: they are wiped when a
 * newer one replaces them. Not thread-safe.
 */
#ifndef NUNCIO_IO_FILES_H
#define NUNCIO_IO_FILES_H

#include "io/login_message.h"

enum { FILES_MAX = 1024, FILE_TEXT_MAX = 64 * 1024 * 1024 };

struct files;

/* Valid until the same path is taken again. */
struct files_file {
    bool readable;
    struct slice text; /* while readable; otherwise why it is not */
    unsigned version;  /* counts up from 1 with each change of the path */
};

struct files *files_new(void);
void files_free(struct files *files);
/* The descriptor stays the caller's; -1: the message has none, and says why. A text that cannot be
 * taken (0 is returned all the same) is unreadable, and says so. -ENOSPC: too many paths. */
int files_take(struct files *files, const struct msg_file *message, int fd);
/* False: not handed over (yet). */
bool files_find(const struct files *files, struct slice path, struct files_file *ret_file);

#endif
