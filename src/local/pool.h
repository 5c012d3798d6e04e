/*
 * The threads that deliver into Maildirs. While one thread's batch waits for the disk, the next
 * batch gathers; two threads, so that one slow mailbox does not hold up all.
 */
#ifndef NUNCIO_LOCAL_POOL_H
#define NUNCIO_LOCAL_POOL_H

#include "local/delivery.h"

struct pool;

/* What a mailbox with a quota holds now. */
struct pool_usage {
    struct pool_usage *next;
    struct msg_usage usage;
    char account[];
};

struct pool_stats {
    uint64_t batches; /* since start */
    uint64_t waiting; /* deliveries */
};

struct pool_options {
    struct slice state, hostname;
    unsigned threads;
    /* Called on a thread of the pool when local_pool_take_done() has something. */
    void (*on_done)(void *arg);
    void *arg;
};

/* Fewer threads than asked for are made do with; -EAGAIN when there is not one to be had. */
int local_pool_new(const struct pool_options *options, struct pool **ret_pool);
/* Ends the threads after their present batches. What was waiting is given up: queue sends it
 * again. May be called twice. */
void local_pool_stop(struct pool *pool);
void local_pool_free(struct pool *pool); /* after local_pool_stop() */

/* Takes the deliveries over, all at once. */
void local_pool_add(struct pool *pool, struct delivery_list *deliveries);
/* Those that have all their verdicts, and usages (each to be freed). */
void local_pool_take_done(struct pool *pool, struct delivery_list *ret_done,
                          struct pool_usage **ret_usages);
struct pool_stats local_pool_stats(struct pool *pool);

#endif
