/*
 * Threads for attempts: made on demand up to POOL_THREADS_MAX, ended after POOL_IDLE_MS without
 * work. The thread that rested last works first, so that few threads stay warm and the rest end.
 *
 * Jobs are grouped by site (a route): no more than the site's cap run at a time, the others wait
 * their turn. Since an attempt has at most one connection, this bounds the connections of a site.
 */
#ifndef NUNCIO_RELAY_POOL_H
#define NUNCIO_RELAY_POOL_H

#include "base/slice.h"

enum { POOL_THREADS_MAX = 128, POOL_IDLE_MS = 10 * 1000, POOL_STACK = 256 * 1024 };

/* The first member of what the caller hands in. */
struct pool_job {
    struct pool_job *next;
    struct pool_site *site;
};

struct pool_methods {
    /* Once per thread, for memory that it keeps; and its end. */
    void *(*thread_new)(void *arg);
    void (*thread_free)(void *arg, void *memory);
    /* On a thread of the pool: do it and free it. */
    void (*run)(void *arg, void *memory, struct pool_job *job);
    /* Free it undone: the pool is stopping, or pool_drop_waiting() was called. */
    void (*drop)(void *arg, struct pool_job *job);
};

struct pool;
struct pool *pool_new(const struct pool_methods *methods, void *arg);
/* Only after pool_stop() has returned true. */
void pool_free(struct pool *pool);

/* 0; or -errno when there is no thread at all and none can be made: the job stays the caller's. */
int pool_add(struct pool *pool, struct pool_job *job, struct slice site, unsigned cap);
/* Drops the jobs that no thread has taken yet. */
void pool_drop_waiting(struct pool *pool);

struct pool_numbers {
    unsigned threads, running, waiting;
};
struct pool_numbers pool_numbers(struct pool *pool);

/* Drops what is waiting, lets threads end as they finish; true when all have ended. */
bool pool_stop(struct pool *pool, uint64_t deadline);

#endif
