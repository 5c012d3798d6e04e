/*
 * Maildir++ quota: the file `maildirsize` in the root of a Maildir, as Courier defined it and
 * Dovecot's "maildir" quota backend keeps it.
 *
 *   10000000S,1000C     the limits under which the file was made
 *   8192345 812         bytes and messages when it was made
 *   10240 1             a line for each change; removals are negative
 *
 * Bytes are sizes of files. Whoever changes a mailbox appends one line with one write(). The file
 * is made anew by looking through all folders when it is missing, has grown to 5120 bytes, was made
 * under other limits, makes no sense, or says "full" and is not fresh (15 minutes).
 */
#ifndef NUNCIO_LOCAL_QUOTA_H
#define NUNCIO_LOCAL_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota {
    uint64_t limit_bytes;    /* 0: none */
    uint64_t limit_messages; /* 0: none */
    int64_t bytes;           /* used */
    int64_t messages;
    uint64_t reserved_bytes; /* admitted and not yet in the mailbox */
    uint64_t reserved_messages;
    bool fresh; /* counted, not summed up: refusing by it is fair */
};

/* Fills in what the mailbox holds. `root` is its directory, the limits are set. -errno when a
 * folder cannot be read. */
int quota_read(int root, struct quota *quota);
/* Is there room for one message more of this size? 1: it is reserved; 0: full; -errno. */
int quota_admit(int root, struct quota *quota, uint64_t size);
/* Appends a line to a maildirsize that is there; without one nothing needs to be done. -errno. */
int quota_add(int root, uint64_t bytes, uint64_t messages);

#endif
