/*
 * Threads for Maildir deliveries. See pool.h.
 *
 * Batching needs no timer: a thread takes what is there when it comes back from the disk, one
 * message on an idle system, BATCH_MAX under load.
 */
#include "local/pool.h"

#include "base/log.h"
#include "local/batch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

enum { THREADS_MAX = 8, STACK_SIZE = 256 * 1024 };

struct pool {
    struct pool_options options;
    pthread_t threads[THREADS_MAX];
    unsigned n_threads;
    struct batch *batches[THREADS_MAX];
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t added;
    bool stopping;
    struct delivery_list waiting, done;
    struct pool_usage *usages;
    uint64_t n_batches;
    unsigned n_started;
};

static void note_usage(void *arg, const struct msg_usage *usage)
{
    struct pool *pool = arg;
    struct pool_usage *note = xmalloc(sizeof(*note) + usage->account.len);

    note->usage = *usage;
    memcpy(note->account, usage->account.ptr, usage->account.len);
    note->usage.account.ptr = note->account;
    pthread_mutex_lock(&pool->lock);
    note->next = pool->usages;
    pool->usages = note;
    pthread_mutex_unlock(&pool->lock);
}

/* Waits for work: about a batch of it, or one delivery that is larger. False: the end. */
static bool take_work(struct pool *pool, struct delivery_list *ret_work)
{
    size_t n_jobs = 0;

    delivery_list_init(ret_work);
    pthread_mutex_lock(&pool->lock);
    while (!pool->waiting.first && !pool->stopping)
        pthread_cond_wait(&pool->added, &pool->lock);
    while (!pool->stopping && pool->waiting.first) {
        n_jobs += pool->waiting.first->unit.n_recipients;
        if (ret_work->first && n_jobs > BATCH_MAX)
            break;
        delivery_list_add(ret_work, delivery_list_take(&pool->waiting));
    }
    pool->n_batches++;
    pthread_mutex_unlock(&pool->lock);
    return ret_work->first != NULL;
}

static struct job job_of(struct delivery *delivery, uint32_t recipient)
{
    return (struct job){.unit = &delivery->unit,
                        .recipient = &delivery->unit.recipients[recipient],
                        .fd = delivery->fd,
                        .maybe_repeat = delivery->maybe_repeat,
                        .reject_when_full = delivery->reject_when_full,
                        .verdict = &delivery->verdicts[recipient]};
}

static void do_work(struct pool *pool, struct batch *batch, struct delivery_list *work)
{
    struct job jobs[BATCH_MAX];
    uint64_t epoch = work->first->epoch;
    size_t n = 0;

    for (struct delivery *delivery = work->first; delivery; delivery = delivery->next) {
        for (uint32_t i = 0; i < delivery->unit.n_recipients; i++) {
            if (n == BATCH_MAX || delivery->epoch != epoch) {
                batch_deliver(batch, epoch, jobs, n, note_usage, pool);
                n = 0;
            }
            epoch = delivery->epoch;
            jobs[n++] = job_of(delivery, i);
        }
    }
    batch_deliver(batch, epoch, jobs, n, note_usage, pool);
}

static void *run_thread(void *arg)
{
    struct pool *pool = arg;
    struct delivery_list work;
    struct batch *batch;

    pthread_mutex_lock(&pool->lock);
    batch = pool->batches[pool->n_started++];
    pthread_mutex_unlock(&pool->lock);
    while (take_work(pool, &work)) {
        do_work(pool, batch, &work);
        pthread_mutex_lock(&pool->lock);
        delivery_list_move(&pool->done, &work);
        pthread_mutex_unlock(&pool->lock);
        pool->options.on_done(pool->options.arg);
    }
    return NULL;
}

static int start_threads(struct pool *pool)
{
    pthread_attr_t attr;
    int r = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    while (pool->n_threads < pool->options.threads && pool->n_threads < THREADS_MAX) {
        pool->batches[pool->n_threads] = batch_new(pool->options.state, pool->options.hostname);
        r = pthread_create(&pool->threads[pool->n_threads], &attr, run_thread, pool);
        if (r != 0) {
            batch_free(pool->batches[pool->n_threads]);
            break;
        }
        pool->n_threads++;
    }
    pthread_attr_destroy(&attr);
    return pool->n_threads ? 0 : -r;
}

int local_pool_new(const struct pool_options *options, struct pool **ret_pool)
{
    struct pool *pool = xcalloc(1, sizeof(*pool));
    sigset_t all, old;
    int r;

    pool->options = *options;
    delivery_list_init(&pool->waiting);
    delivery_list_init(&pool->done);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->added, NULL);
    /* Signals are for the loop's thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pthread_mutex_lock(&pool->lock);
    r = start_threads(pool);
    pthread_mutex_unlock(&pool->lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0) {
        local_pool_free(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

void local_pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->added);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    for (unsigned i = 0; i < pool->n_threads; i++)
        batch_free(pool->batches[i]);
    pool->n_threads = 0;
}

void local_pool_free(struct pool *pool)
{
    while (pool->usages) {
        struct pool_usage *note = pool->usages;
        pool->usages = note->next;
        free(note);
    }
    delivery_list_free_all(&pool->waiting);
    delivery_list_free_all(&pool->done);
    pthread_cond_destroy(&pool->added);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void local_pool_add(struct pool *pool, struct delivery_list *deliveries)
{
    if (!deliveries->first)
        return;
    pthread_mutex_lock(&pool->lock);
    delivery_list_move(&pool->waiting, deliveries);
    pthread_cond_signal(&pool->added);
    if (pool->waiting.count > BATCH_MAX)
        pthread_cond_broadcast(&pool->added);
    pthread_mutex_unlock(&pool->lock);
}

void local_pool_take_done(struct pool *pool, struct delivery_list *ret_done,
                          struct pool_usage **ret_usages)
{
    delivery_list_init(ret_done);
    pthread_mutex_lock(&pool->lock);
    delivery_list_move(ret_done, &pool->done);
    *ret_usages = pool->usages;
    pool->usages = NULL;
    pthread_mutex_unlock(&pool->lock);
}

struct pool_stats local_pool_stats(struct pool *pool)
{
    struct pool_stats stats;

    pthread_mutex_lock(&pool->lock);
    stats = (struct pool_stats){.batches = pool->n_batches, .waiting = pool->waiting.count};
    pthread_mutex_unlock(&pool->lock);
    return stats;
}
