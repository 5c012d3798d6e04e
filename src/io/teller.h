/*
 * Takes what is in the tap to history in batches, on the loop's thread: a moment after the first
 * line, so that a busy server sends large messages and an idle one sends none. When history is
 * behind or away the lines stay in the tap, and what it has to drop is told as an event once there
 * is room again.
 */
#ifndef NUNCIO_IO_TELLER_H
#define NUNCIO_IO_TELLER_H

#include "base/slice.h"
#include "io/loop.h"

/* Hands lines over. 0, or -errno: there is no room, or nobody; it is tried again soon. */
typedef int teller_send(void *arg, struct slice lines);

struct teller {
    struct loop_watch *watch;
    struct loop_timer *timer;
    teller_send *send;
    void *arg;
    char *batch;
    uint64_t told_dropped;
};

/* Without a tap nothing is told. */
void teller_init(struct teller *teller, struct loop *loop, teller_send *send, void *arg);
/* Tells what there is still to be told, waiting a little, and ends. */
void teller_finish(struct teller *teller);

#endif
