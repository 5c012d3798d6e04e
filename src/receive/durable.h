/*
 * Tells the queue how far our log is on disk, and hears from it how far it has read. Only the
 * newest length matters: when the channel is full or the queue away, older ones are forgotten, and
 * the newest goes out when it can.
 */
#ifndef NUNCIO_RECEIVE_DURABLE_H
#define NUNCIO_RECEIVE_DURABLE_H

#include "io/role.h"
#include "receive/pressure.h"

#include <pthread.h>
#include <stdatomic.h>

struct durable {
    struct role_context *role;
    _Atomic uint64_t *unread; /* the server's: what pressure says, for the sessions */
    pthread_mutex_t lock;     /* guards what follows */
    struct msg_durable newest;
    bool untold;
    struct pressure pressure;
    bool behind; /* and the log says so */
};

void durable_init(struct durable *durable, struct role_context *role, _Atomic uint64_t *unread);
void durable_done(struct durable *durable);

/* For spool_writer_options.on_durable: from the committer's thread. */
void durable_note(void *arg, uint64_t segment, uint64_t length);
/* On the loop's thread: after a wake, when the queue has room again, and when it is back. */
void durable_tell(struct durable *durable);
/* The queue is another process now: what its predecessor was told counts for nothing. */
void durable_tell_again(struct durable *durable);

/* MSG_TAKEN, on the loop's thread. */
void durable_taken(struct durable *durable, struct slice payload);
/* The queue is gone. Nobody waits for it. */
void durable_queue_lost(struct durable *durable);

#endif
