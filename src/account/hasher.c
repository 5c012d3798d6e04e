/*
 * Two threads that take jobs from two lists, each in the order they came. See hasher.h.
 *
 * One lock guards the lists and the count; hashing is done outside of it. A job is one block of
 * memory with the candidates and their bytes, so that wiping it is one call.
 */
#include "account/hasher.h"

#include "account/password.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <utlist.h>

struct job {
    struct job *next;
    uint64_t number;
    int answer;
    size_t count;
    size_t size; /* of the whole block */
    struct hash_candidate candidates[];
};

struct hasher {
    void (*wake)(void *arg);
    void *arg;
    pthread_t threads[HASHER_THREADS];
    unsigned n_threads;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct job *known, *strangers, *done;
    size_t n_waiting; /* those being hashed too */
    bool stopping;
};

struct hasher *hasher_new(void (*wake)(void *arg), void *arg)
{
    struct hasher *hasher = xcalloc(1, sizeof(*hasher));

    hasher->wake = wake;
    hasher->arg = arg;
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->changed, NULL);
    return hasher;
}

static void free_job(struct job *job)
{
    explicit_bzero(job, job->size);
    free(job);
}

static int run_job(const struct job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        const struct hash_candidate *candidate = &job->candidates[i];
        if (candidate->form.len == 0)
            password_verify_nothing(candidate->password);
        else if (password_verify(candidate->form, candidate->password) == PASSWORD_RIGHT)
            return candidate->tag;
    }
    return HASHER_NONE;
}

/* With the lock held. NULL: nothing waits. */
static struct job *take_job(struct hasher *hasher)
{
    struct job **list = hasher->known ? &hasher->known : &hasher->strangers;
    struct job *job = *list;

    if (job)
        LL_DELETE(*list, job);
    return job;
}

static void *run_thread(void *arg)
{
    struct hasher *hasher = arg;

    pthread_mutex_lock(&hasher->lock);
    while (!hasher->stopping) {
        struct job *job = take_job(hasher);
        if (!job) {
            pthread_cond_wait(&hasher->changed, &hasher->lock);
            continue;
        }
        pthread_mutex_unlock(&hasher->lock);
        job->answer = run_job(job);
        pthread_mutex_lock(&hasher->lock);
        LL_APPEND(hasher->done, job);
        hasher->n_waiting--;
        hasher->wake(hasher->arg);
    }
    pthread_mutex_unlock(&hasher->lock);
    return NULL;
}

int hasher_start(struct hasher *hasher)
{
    while (hasher->n_threads < HASHER_THREADS) {
        int r = pthread_create(&hasher->threads[hasher->n_threads], NULL, run_thread, hasher);
        if (r != 0)
            return -r;
        hasher->n_threads++;
    }
    return 0;
}

static void free_jobs(struct job *jobs)
{
    struct job *job, *next;

    LL_FOREACH_SAFE(jobs, job, next)
    free_job(job);
}

void hasher_free(struct hasher *hasher)
{
    if (!hasher)
        return;
    pthread_mutex_lock(&hasher->lock);
    hasher->stopping = true;
    pthread_cond_broadcast(&hasher->changed);
    pthread_mutex_unlock(&hasher->lock);
    for (unsigned i = 0; i < hasher->n_threads; i++)
        pthread_join(hasher->threads[i], NULL);
    free_jobs(hasher->known);
    free_jobs(hasher->strangers);
    free_jobs(hasher->done);
    pthread_cond_destroy(&hasher->changed);
    pthread_mutex_destroy(&hasher->lock);
    free(hasher);
}

/* Copies `from` to *to and moves it behind. */
static struct slice put(char **to, struct slice from)
{
    struct slice copy = slice_from(*to, from.len);

    if (from.len)
        memcpy(*to, from.ptr, from.len);
    *to += from.len;
    return copy;
}

static struct job *make_job(uint64_t number, const struct hash_candidate *list, size_t count)
{
    size_t size = sizeof(struct job) + count * sizeof(list[0]);
    struct job *job;
    char *bytes;

    for (size_t i = 0; i < count; i++)
        size += list[i].form.len + list[i].password.len;
    job = xcalloc(1, size);
    job->number = number;
    job->count = count;
    job->size = size;
    bytes = (char *)&job->candidates[count];
    for (size_t i = 0; i < count; i++) {
        job->candidates[i].form = put(&bytes, list[i].form);
        job->candidates[i].password = put(&bytes, list[i].password);
        job->candidates[i].tag = list[i].tag;
    }
    return job;
}

int hasher_add(struct hasher *hasher, uint64_t number, bool known,
               const struct hash_candidate *list, size_t count)
{
    struct job **jobs = known ? &hasher->known : &hasher->strangers;
    size_t most = known ? HASHER_JOBS_MAX : HASHER_STRANGERS_MAX;
    struct job *job;
    int r = 0;

    if (count > HASHER_CANDIDATES_MAX)
        return -EAGAIN;
    job = make_job(number, list, count);
    pthread_mutex_lock(&hasher->lock);
    if (hasher->n_waiting >= most) {
        r = -EAGAIN;
    } else {
        hasher->n_waiting++;
        LL_APPEND(*jobs, job);
        pthread_cond_signal(&hasher->changed);
    }
    pthread_mutex_unlock(&hasher->lock);
    if (r < 0)
        free_job(job);
    return r;
}

void hasher_collect(struct hasher *hasher, hasher_on_answer *on_answer, void *arg)
{
    struct job *job, *next, *done;

    pthread_mutex_lock(&hasher->lock);
    done = hasher->done;
    hasher->done = NULL;
    pthread_mutex_unlock(&hasher->lock);
    LL_FOREACH_SAFE(done, job, next)
    {
        on_answer(arg, job->number, job->answer);
        free_job(job);
    }
}
