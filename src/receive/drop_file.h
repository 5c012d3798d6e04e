/*
 * One file of the maildrop: opened without trusting anything about it, checked, and handed to the
 * spool. See mail/dropfile.h for what is in it.
 */
#ifndef NUNCIO_RECEIVE_DROP_FILE_H
#define NUNCIO_RECEIVE_DROP_FILE_H

#include "receive/server.h"

enum drop_verdict {
    DROP_SUBMITTED = 0, /* `done` will be called */
    DROP_LATER,         /* cannot be taken now */
    DROP_BAD,           /* never will be: *ret_why says it */
};

/* Reads `name` in the folder and submits the message. `done` as in spool_submit(). `bytes` is room
 * to read into. */
enum drop_verdict drop_file_submit(struct server *server, const struct config *config, int folder,
                                   const char *name, struct task_scratch *scratch, spool_done *done,
                                   void *arg, const char **ret_why);

#endif
