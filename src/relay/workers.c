/*
 * The thread pool. One lock guards everything; a job costs two short holds of it and, when a thread
 * has to be woken, one signal on that thread's own condition variable.
 *
 * Invariants: a job is in exactly one place: its site's waiting list, the ready list, or a thread's
 * hands. site->running counts the site's jobs that are ready or in hands; it is never above the cap
 * that the newest job of the site came with. Resting threads and ready jobs never exist together.
 */
#include "relay/workers.h"

#include "base/buf.h"
#include "base/clock.h"
#include "io/condition.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct job_list {
    struct workers_job *first;
    struct workers_job **last; /* where the next one is linked; NULL: at `first` */
};

struct workers_site {
    struct workers_site *next;
    char *name;
    unsigned cap;
    unsigned running;
    struct job_list waiting;
};

struct worker {
    struct workers *workers;
    struct worker *next_resting;
    pthread_cond_t wake;
    struct workers_job *job; /* handed to it while it rests */
};

struct workers {
    const struct workers_methods *methods;
    void *arg;
    pthread_mutex_t lock; /* guards all that follows, the sites, and worker->job */
    pthread_cond_t ended; /* a thread has ended */
    struct workers_site *sites;
    struct worker *resting; /* a stack */
    struct job_list ready;
    struct workers_numbers numbers; /* threads: those that will still look for jobs */
    unsigned alive;                 /* threads that use the pool in any way */
    bool stopping;
};

static void list_add(struct job_list *list, struct workers_job *job)
{
    job->next = NULL;
    *(list->last ? list->last : &list->first) = job;
    list->last = &job->next;
}

static struct workers_job *list_take(struct job_list *list)
{
    struct workers_job *job = list->first;

    if (!job)
        return NULL;
    list->first = job->next;
    if (!list->first)
        list->last = NULL;
    job->next = NULL;
    return job;
}

struct workers *workers_new(const struct workers_methods *methods, void *arg)
{
    struct workers *workers = xcalloc(1, sizeof(*workers));

    workers->methods = methods;
    workers->arg = arg;
    pthread_mutex_init(&workers->lock, NULL);
    condition_init(&workers->ended);
    return workers;
}

void workers_free(struct workers *workers)
{
    while (workers->sites) {
        struct workers_site *site = workers->sites;
        workers->sites = site->next;
        free(site->name);
        free(site);
    }
    pthread_cond_destroy(&workers->ended);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}

static struct workers_site *find_site(struct workers *workers, struct slice name)
{
    struct workers_site *site;

    for (site = workers->sites; site; site = site->next) {
        if (slice_eq(slice_from_cstr(site->name), name))
            return site;
    }
    site = xcalloc(1, sizeof(*site));
    site->name = xslicedup(name);
    site->next = workers->sites;
    workers->sites = site;
    return site;
}

/* Rests until it is handed a job; NULL: time to end. With the lock held. */
static struct workers_job *rest(struct worker *worker)
{
    struct workers *workers = worker->workers;
    struct timespec until = condition_deadline(clock_mono_ms() + WORKERS_IDLE_MS);
    struct workers_job *job;
    int r = 0;

    worker->next_resting = workers->resting;
    workers->resting = worker;
    while (!worker->job && !workers->stopping && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&worker->wake, &workers->lock, &until);
    job = worker->job;
    worker->job = NULL;
    if (job)
        return job; /* whoever handed it over took the worker off the stack */
    for (struct worker **link = &workers->resting; *link; link = &(*link)->next_resting) {
        if (*link == worker) {
            *link = worker->next_resting;
            break;
        }
    }
    return NULL;
}

/* There may be a hundred thousand sites in a day; those without jobs are forgotten. */
static void forget_site(struct workers *workers, struct workers_site *site)
{
    struct workers_site **link = &workers->sites;

    while (*link != site)
        link = &(*link)->next;
    *link = site->next;
    free(site->name);
    free(site);
}

/* The job is over: its place goes to the next of its site. With the lock held. */
static void leave_site(struct workers *workers, struct workers_site *site)
{
    struct workers_job *next = site->running <= site->cap ? list_take(&site->waiting) : NULL;

    if (next)
        list_add(&workers->ready, next);
    else if (--site->running == 0 && !site->waiting.first)
        forget_site(workers, site);
}

static void work(struct worker *worker, void *memory, struct workers_job *job)
{
    struct workers *workers = worker->workers;
    struct workers_site *site = job->site;

    workers->numbers.waiting--;
    workers->numbers.running++;
    pthread_mutex_unlock(&workers->lock);
    workers->methods->run(workers->arg, memory, job);
    pthread_mutex_lock(&workers->lock);
    workers->numbers.running--;
    leave_site(workers, site);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct workers *workers = worker->workers;
    void *memory = workers->methods->thread_new(workers->arg);
    struct workers_job *job;

    pthread_mutex_lock(&workers->lock);
    while ((job = list_take(&workers->ready)) || (job = rest(worker)))
        work(worker, memory, job);
    workers->numbers.threads--;
    pthread_mutex_unlock(&workers->lock);
    workers->methods->thread_free(workers->arg, memory);
    pthread_mutex_lock(&workers->lock);
    workers->alive--;
    pthread_cond_destroy(&worker->wake);
    free(worker);
    pthread_cond_broadcast(&workers->ended);
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* With the lock held. Signals stay with the role's main thread. */
static int start_worker(struct workers *workers)
{
    struct worker *worker = xcalloc(1, sizeof(*worker));
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int r;

    worker->workers = workers;
    condition_init(&worker->wake);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WORKERS_STACK);
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
    workers->numbers.threads++;
    workers->alive++;
    return 0;
}

/* A thread for a job that may run now. With the lock held; on failure nothing has changed. */
static int make_ready(struct workers *workers, struct workers_job *job)
{
    struct worker *worker = workers->resting;

    if (worker) {
        workers->resting = worker->next_resting;
        worker->job = job;
        pthread_cond_signal(&worker->wake);
        return 0;
    }
    if (workers->numbers.threads < WORKERS_THREADS_MAX) {
        int r = start_worker(workers);
        if (r < 0 && workers->numbers.threads == 0)
            return r;
    }
    list_add(&workers->ready, job);
    return 0;
}

int workers_add(struct workers *workers, struct workers_job *job, struct slice site_name,
                unsigned cap)
{
    struct workers_site *site;
    int r = 0;

    pthread_mutex_lock(&workers->lock);
    site = find_site(workers, site_name);
    site->cap = cap ? cap : 1;
    job->site = site;
    if (workers->stopping) {
        r = -ECANCELED;
    } else if (site->running >= site->cap) {
        list_add(&site->waiting, job);
    } else {
        r = make_ready(workers, job);
        site->running += r == 0;
    }
    workers->numbers.waiting += r == 0;
    pthread_mutex_unlock(&workers->lock);
    return r;
}

static void drop_list(struct workers *workers, struct job_list *list, bool was_ready)
{
    struct workers_job *job;

    while ((job = list_take(list))) {
        job->site->running -= was_ready;
        workers->numbers.waiting--;
        workers->methods->drop(workers->arg, job);
    }
}

/* With the lock held. */
static void drop_waiting(struct workers *workers)
{
    for (struct workers_site *site = workers->sites; site; site = site->next)
        drop_list(workers, &site->waiting, false);
    drop_list(workers, &workers->ready, true);
}

void workers_drop_waiting(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    drop_waiting(workers);
    pthread_mutex_unlock(&workers->lock);
}

struct workers_numbers workers_numbers(struct workers *workers)
{
    struct workers_numbers numbers;

    pthread_mutex_lock(&workers->lock);
    numbers = workers->numbers;
    pthread_mutex_unlock(&workers->lock);
    return numbers;
}

bool workers_stop(struct workers *workers, uint64_t deadline)
{
    struct timespec until = condition_deadline(deadline);
    bool ended;
    int r = 0;

    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    drop_waiting(workers);
    for (struct worker *worker = workers->resting; worker; worker = worker->next_resting)
        pthread_cond_signal(&worker->wake);
    while (workers->alive && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&workers->ended, &workers->lock, &until);
    ended = workers->alive == 0;
    pthread_mutex_unlock(&workers->lock);
    return ended;
}
