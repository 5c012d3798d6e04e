/*
 * Delivers messages that are due together into Maildirs, sharing their syncs.
 *
 * For each message, in this order: the file is written into tmp/ and is on disk; it gets its name
 * in new/; new/ is on disk; only then its verdict says DONE_OK. A crash in between leaves nothing,
 * or a file whose name the repeat recognises.
 */
#ifndef NUNCIO_LOCAL_BATCH_H
#define NUNCIO_LOCAL_BATCH_H

#include "local/boxes.h"
#include "local/verdict.h"

/* One message for one recipient; the verdict is the result. */
struct job {
    const struct msg_unit *unit;
    const struct unit_recipient *recipient;
    int fd;                /* of the text */
    bool maybe_repeat;     /* accepted before the present epoch */
    bool reject_when_full; /* over quota: 5.2.2 instead of 4.2.2 */
    struct verdict *verdict;
};

struct batch;

/* One for each thread. */
struct batch *batch_new(struct slice state, struct slice hostname);
void batch_free(struct batch *batch);

/*
 * At most BATCH_MAX jobs, whose verdicts are empty (kind 0). `epoch` is never 0, and another one
 * after queue or local has been away. `on_usage` is called for each account with a quota, with what
 * it holds now and whether a message was refused for it.
 */
void batch_deliver(struct batch *batch, uint64_t epoch, const struct job *jobs, size_t n_jobs,
                   void (*on_usage)(void *arg, const struct msg_usage *usage), void *arg);

#endif
