/*
 * Files that auth, relay and queue need and only the parent can open: those of the configuration
 * (tables of accounts and aliases, the secret and the CAs for OAuth; passwords and tokens for other
 * servers, and the CAs that these must be known to) and the secret of SRS. They go out as sealed
 * memory files (MSG_FILE); the parent copies them from descriptor to descriptor and never has them
 * in its own memory.
 */
#ifndef NUNCIO_DAEMON_HANDED_FILES_H
#define NUNCIO_DAEMON_HANDED_FILES_H

#include "base/buf.h"
#include "config/config.h"
#include "daemon/watched.h"
#include "io/message.h"

enum { HANDED_FILE_MAX = 64 * 1024 * 1024, HANDED_WHY_SIZE = 128 };

struct handed_file {
    struct slice path;         /* the list's */
    struct slice name;         /* as it is called to those who get it: the same, or static */
    unsigned roles;            /* who gets it: set of 1 << enum role */
    char why[HANDED_WHY_SIZE]; /* it could not be read when it was sent last; empty: it could */
};

/* All zero: none. */
struct handed_files {
    struct watched files; /* the same, in the same order */
    struct handed_file *list;
};

/* Takes the files that `config` names in place of those before, and the secret of SRS under this
 * state folder (NULL: without it). */
void handed_files_set(struct handed_files *handed, const struct config *config, const char *state);
void handed_files_done(struct handed_files *handed);

/* Number i as it is now: a sealed memory file, or -1 with the reason in its `why`. */
int handed_files_copy(struct handed_files *handed, size_t i);

/* Warns of those that cannot be read, for `nuncio check-config`: the server starts all the same;
 * their accounts are told to try later, and mail over their routes waits. */
void handed_files_check(const struct config *config, struct problem_list *warnings);

/* "files":[{"path":...,"problem":...}] */
void handed_files_add_status(const struct handed_files *handed, struct buf *json);

#endif
