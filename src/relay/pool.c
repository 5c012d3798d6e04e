/*
 * The thread pool. One lock guards everything; a job costs two short holds of it and, when a thread
 * has to be woken, one signal on that thread's own condition variable.
 *
 * Invariants: a job is in exactly one place: its site's waiting list, the ready list, or a thread's
 * hands. site->running counts the site's jobs that are ready or in hands; it is never above the cap
 * that the newest job of the site came with. Resting threads and ready jobs never exist together.
 */
#include "relay/pool.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct job_list {
    struct pool_job *first;
    struct pool_job **last; /* where the next one is linked; NULL: at `first` */
};

struct pool_site {
    struct pool_site *next;
    char *name;
    unsigned cap;
    unsigned running;
    struct job_list waiting;
};

struct worker {
    struct pool *pool;
    struct worker *next_resting;
    pthread_cond_t wake;
    struct pool_job *job; /* handed to it while it rests */
};

struct pool {
    const struct pool_methods *methods;
    void *arg;
    pthread_mutex_t lock; /* guards all that follows, the sites, and worker->job */
    pthread_cond_t ended; /* a thread has ended */
    struct pool_site *sites;
    struct worker *resting; /* a stack */
    struct job_list ready;
    struct pool_numbers numbers; /* threads: those that will still look for jobs */
    unsigned alive;              /* threads that use the pool in any way */
    bool stopping;
};

static void list_add(struct job_list *list, struct pool_job *job)
{
    job->next = NULL;
    *(list->last ? list->last : &list->first) = job;
    list->last = &job->next;
}

static struct pool_job *list_take(struct job_list *list)
{
    struct pool_job *job = list->first;

    if (!job)
        return NULL;
    list->first = job->next;
    if (!list->first)
        list->last = NULL;
    job->next = NULL;
    return job;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct pool *pool_new(const struct pool_methods *methods, void *arg)
{
    struct pool *pool = xcalloc(1, sizeof(*pool));

    pool->methods = methods;
    pool->arg = arg;
    pthread_mutex_init(&pool->lock, NULL);
    init_condition(&pool->ended);
    return pool;
}

void pool_free(struct pool *pool)
{
    while (pool->sites) {
        struct pool_site *site = pool->sites;
        pool->sites = site->next;
        free(site->name);
        free(site);
    }
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct timespec to_timespec(uint64_t mono_ms)
{
    return (struct timespec){.tv_sec = (time_t)(mono_ms / 1000),
                             .tv_nsec = (long)(mono_ms % 1000) * 1000000};
}

/* A site is kept for good: there are as many as the configuration ever had routes. */
static struct pool_site *find_site(struct pool *pool, struct slice name)
{
    struct pool_site *site;

    for (site = pool->sites; site; site = site->next) {
        if (slice_eq(slice_from_cstr(site->name), name))
            return site;
    }
    site = xcalloc(1, sizeof(*site));
    site->name = xslicedup(name);
    site->next = pool->sites;
    pool->sites = site;
    return site;
}

/* Rests until it is handed a job; NULL: time to end. With the lock held. */
static struct pool_job *rest(struct worker *worker)
{
    struct pool *pool = worker->pool;
    struct timespec until = to_timespec(clock_mono_ms() + POOL_IDLE_MS);
    struct pool_job *job;
    int r = 0;

    worker->next_resting = pool->resting;
    pool->resting = worker;
    while (!worker->job && !pool->stopping && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&worker->wake, &pool->lock, &until);
    job = worker->job;
    worker->job = NULL;
    if (job)
        return job; /* whoever handed it over took the worker off the stack */
    for (struct worker **link = &pool->resting; *link; link = &(*link)->next_resting) {
        if (*link == worker) {
            *link = worker->next_resting;
            break;
        }
    }
    return NULL;
}

/* The job is over: its place goes to the next of its site. With the lock held. */
static void leave_site(struct pool *pool, struct pool_site *site)
{
    struct pool_job *next = site->running <= site->cap ? list_take(&site->waiting) : NULL;

    if (next)
        list_add(&pool->ready, next);
    else
        site->running--;
}

static void work(struct worker *worker, void *memory, struct pool_job *job)
{
    struct pool *pool = worker->pool;
    struct pool_site *site = job->site;

    pool->numbers.waiting--;
    pool->numbers.running++;
    pthread_mutex_unlock(&pool->lock);
    pool->methods->run(pool->arg, memory, job);
    pthread_mutex_lock(&pool->lock);
    pool->numbers.running--;
    leave_site(pool, site);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct pool *pool = worker->pool;
    void *memory = pool->methods->thread_new(pool->arg);
    struct pool_job *job;

    pthread_mutex_lock(&pool->lock);
    while ((job = list_take(&pool->ready)) || (job = rest(worker)))
        work(worker, memory, job);
    pool->numbers.threads--;
    pthread_mutex_unlock(&pool->lock);
    pool->methods->thread_free(pool->arg, memory);
    pthread_mutex_lock(&pool->lock);
    pool->alive--;
    pthread_cond_destroy(&worker->wake);
    free(worker);
    pthread_cond_broadcast(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* With the lock held. Signals stay with the role's main thread. */
static int start_worker(struct pool *pool)
{
    struct worker *worker = xcalloc(1, sizeof(*worker));
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int r;

    worker->pool = pool;
    init_condition(&worker->wake);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, POOL_STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&thread, &attributes, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (r) {
        pthread_cond_destroy(&worker->wake);
        free(worker);
        return -r;
    }
    pool->numbers.threads++;
    pool->alive++;
    return 0;
}

/* A thread for a job that may run now. With the lock held; on failure nothing has changed. */
static int make_ready(struct pool *pool, struct pool_job *job)
{
    struct worker *worker = pool->resting;

    if (worker) {
        pool->resting = worker->next_resting;
        worker->job = job;
        pthread_cond_signal(&worker->wake);
        return 0;
    }
    if (pool->numbers.threads < POOL_THREADS_MAX) {
        int r = start_worker(pool);
        if (r < 0 && pool->numbers.threads == 0)
            return r;
    }
    list_add(&pool->ready, job);
    return 0;
}

int pool_add(struct pool *pool, struct pool_job *job, struct slice site_name, unsigned cap)
{
    struct pool_site *site;
    int r = 0;

    pthread_mutex_lock(&pool->lock);
    site = find_site(pool, site_name);
    site->cap = cap ? cap : 1;
    job->site = site;
    if (pool->stopping) {
        r = -ECANCELED;
    } else if (site->running >= site->cap) {
        list_add(&site->waiting, job);
    } else {
        r = make_ready(pool, job);
        site->running += r == 0;
    }
    pool->numbers.waiting += r == 0;
    pthread_mutex_unlock(&pool->lock);
    return r;
}

static void drop_list(struct pool *pool, struct job_list *list, bool was_ready)
{
    struct pool_job *job;

    while ((job = list_take(list))) {
        job->site->running -= was_ready;
        pool->numbers.waiting--;
        pool->methods->drop(pool->arg, job);
    }
}

/* With the lock held. */
static void drop_waiting(struct pool *pool)
{
    for (struct pool_site *site = pool->sites; site; site = site->next)
        drop_list(pool, &site->waiting, false);
    drop_list(pool, &pool->ready, true);
}

void pool_drop_waiting(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    drop_waiting(pool);
    pthread_mutex_unlock(&pool->lock);
}

struct pool_numbers pool_numbers(struct pool *pool)
{
    struct pool_numbers numbers;

    pthread_mutex_lock(&pool->lock);
    numbers = pool->numbers;
    pthread_mutex_unlock(&pool->lock);
    return numbers;
}

bool pool_stop(struct pool *pool, uint64_t deadline)
{
    struct timespec until = to_timespec(deadline);
    bool ended;
    int r = 0;

    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    drop_waiting(pool);
    for (struct worker *worker = pool->resting; worker; worker = worker->next_resting)
        pthread_cond_signal(&worker->wake);
    while (pool->alive && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&pool->ended, &pool->lock, &until);
    ended = pool->alive == 0;
    pthread_mutex_unlock(&pool->lock);
    return ended;
}
