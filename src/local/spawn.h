/*
 * Starting a program for a message, as the user that the configuration names.
 *
 * The program gets: exactly the configured argument vector; the message on standard input; a clean
 * environment (PATH, HOME, USER, LOGNAME of the user; SENDER, RECIPIENT, MESSAGE_ID); "/" as its
 * directory; a session and process group of its own; the user's uid and primary group and no
 * other; no way to new privileges (setuid programs do not work). Nothing of the message stands in
 * its arguments, and no shell is involved.
 */
#ifndef NUNCIO_LOCAL_SPAWN_H
#define NUNCIO_LOCAL_SPAWN_H

#include "base/buf.h"

#include <sys/types.h>

struct spawn_user {
    uid_t uid;
    gid_t gid;
    char name[64];
    char home[256];
};

/* Users below it are the system's: nothing that mail starts runs as one of them. */
enum { SPAWN_UID_MIN = 1000 };

/*
 * Who the program is to run as. Started as root: `name` must be a user with a uid of SPAWN_UID_MIN
 * or above and a primary group other than root's. Not started as root: `name` must be the user we
 * are, or empty. False with the reason in `why_not`.
 */
bool spawn_find_user(struct slice name, struct spawn_user *ret_user, struct buf *why_not);

struct spawn_request {
    const struct slice *argv;
    size_t argc;
    const struct spawn_user *user;
    struct slice sender, recipient, message_id;
};

struct spawned {
    pid_t pid; /* also the number of its process group */
    int pidfd; /* readable when it has ended; reap it with waitid() */
    int input; /* pipes, our ends, not blocking */
    int output, errors;
};

/* 0 or -errno. What fails in the new process (as a missing program does) is told by its standard
 * error and the exit status EX_TEMPFAIL. */
int spawn_start(const struct spawn_request *request, struct spawned *ret_spawned);

#endif
