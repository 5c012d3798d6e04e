/*
 * Threads for attempts: made on demand up to WORKERS_THREADS_MAX, ended after WORKERS_IDLE_MS
 * without work. The thread that rested last works first, so that few threads stay warm and the rest
 * end.
 *
 * Jobs are grouped by site (or by route, where its hosts are fixed): no more than the site's cap
 * run at a time, the others wait their turn. Since an attempt has at most one connection, this
 * bounds the connections of a site.
 */
#ifndef NUNCIO_RELAY_WORKERS_H
#define NUNCIO_RELAY_WORKERS_H

#include "base/slice.h"

enum { WORKERS_THREADS_MAX = 128, WORKERS_IDLE_MS = 10 * 1000, WORKERS_STACK = 256 * 1024 };

/* The first member of what the caller hands in. */
struct workers_job {
    struct workers_job *next;
    struct workers_site *site;
};

struct workers_methods {
    /* Once per thread, for memory that it keeps; and its end. */
    void *(*thread_new)(void *arg);
    void (*thread_free)(void *arg, void *memory);
    /* On a thread of the pool: do it and free it. */
    void (*run)(void *arg, void *memory, struct workers_job *job);
    /* Free it undone: the pool is stopping, or workers_drop_waiting() was called. */
    void (*drop)(void *arg, struct workers_job *job);
};

struct workers;
struct workers *workers_new(const struct workers_methods *methods, void *arg);
/* Only after workers_stop() has returned true. */
void workers_free(struct workers *workers);

/* 0; or -errno when there is no thread at all and none can be made: the job stays the caller's. */
int workers_add(struct workers *workers, struct workers_job *job, struct slice site, unsigned cap);
/* Drops the jobs that no thread has taken yet. */
void workers_drop_waiting(struct workers *workers);

struct workers_numbers {
    unsigned threads, running, waiting;
};
struct workers_numbers workers_numbers(struct workers *workers);

/* Drops what is waiting, lets threads end as they finish; true when all have ended. */
bool workers_stop(struct workers *workers, uint64_t deadline);

#endif
