/*
 * Two threads that take jobs from one list, in the order they came. See signer.h.
 *
 * One lock guards the lists and the count; nothing is signed under it. A job holds a reference of
 * its key, so that a key which is removed meanwhile lives until then.
 */
#include "keys/signer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <utlist.h>

struct job {
    struct job *prev, *next;
    struct signer_question question;
    EVP_PKEY *key;
    enum dkim_key_kind kind;
    uint8_t digest[SIGNER_DIGEST];
    uint8_t signature[KEY_SIGNATURE_MAX];
    size_t signature_len;
};

struct signer {
    void (*wake)(void *arg);
    void *arg;
    pthread_t threads[SIGNER_THREADS];
    unsigned n_threads;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct job *waiting, *done;
    unsigned n_jobs; /* in both lists and in the threads */
    bool stopping;
};

struct signer *signer_new(void (*wake)(void *arg), void *arg)
{
    struct signer *signer = xcalloc(1, sizeof(*signer));

    signer->wake = wake;
    signer->arg = arg;
    pthread_mutex_init(&signer->lock, NULL);
    pthread_cond_init(&signer->changed, NULL);
    return signer;
}

static void run_job(struct job *job)
{
    job->signature_len =
        key_sign(job->key, slice_from(job->digest, sizeof(job->digest)), job->signature);
}

static void *run_thread(void *arg)
{
    struct signer *signer = arg;

    pthread_mutex_lock(&signer->lock);
    while (!signer->stopping) {
        struct job *job = signer->waiting;
        if (!job) {
            pthread_cond_wait(&signer->changed, &signer->lock);
            continue;
        }
        DL_DELETE(signer->waiting, job);
        pthread_mutex_unlock(&signer->lock);
        run_job(job);
        pthread_mutex_lock(&signer->lock);
        DL_APPEND(signer->done, job);
        signer->wake(signer->arg);
    }
    pthread_mutex_unlock(&signer->lock);
    return NULL;
}

int signer_start(struct signer *signer)
{
    while (signer->n_threads < SIGNER_THREADS) {
        int r = pthread_create(&signer->threads[signer->n_threads], NULL, run_thread, signer);
        if (r != 0)
            return -r;
        signer->n_threads++;
    }
    return 0;
}

static void free_job(struct job *job)
{
    EVP_PKEY_free(job->key);
    free(job);
}

static void free_jobs(struct job *jobs)
{
    struct job *job, *next;

    DL_FOREACH_SAFE(jobs, job, next)
    free_job(job);
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    pthread_mutex_lock(&signer->lock);
    signer->stopping = true;
    pthread_cond_broadcast(&signer->changed);
    pthread_mutex_unlock(&signer->lock);
    for (unsigned i = 0; i < signer->n_threads; i++)
        pthread_join(signer->threads[i], NULL);
    free_jobs(signer->waiting);
    free_jobs(signer->done);
    pthread_cond_destroy(&signer->changed);
    pthread_mutex_destroy(&signer->lock);
    free(signer);
}

int signer_add(struct signer *signer, struct signer_question question, EVP_PKEY *key,
               struct slice digest)
{
    struct job *job;
    bool full;

    if (digest.len != SIGNER_DIGEST)
        return -EINVAL;
    pthread_mutex_lock(&signer->lock);
    full = signer->n_jobs >= SIGNER_JOBS_MAX;
    signer->n_jobs += !full;
    pthread_mutex_unlock(&signer->lock);
    if (full)
        return -EAGAIN;
    job = xcalloc(1, sizeof(*job));
    job->question = question;
    EVP_PKEY_up_ref(key);
    job->key = key;
    job->kind = key_kind(key);
    memcpy(job->digest, digest.ptr, SIGNER_DIGEST);
    pthread_mutex_lock(&signer->lock);
    DL_APPEND(signer->waiting, job);
    pthread_cond_signal(&signer->changed);
    pthread_mutex_unlock(&signer->lock);
    return 0;
}

static struct job *first_done(struct signer *signer)
{
    struct job *job;

    pthread_mutex_lock(&signer->lock);
    job = signer->done;
    pthread_mutex_unlock(&signer->lock);
    return job;
}

void signer_collect(struct signer *signer, signer_on_signature *on_signature, void *arg)
{
    struct job *job;

    /* Only this thread takes from the list of those that are done. */
    while ((job = first_done(signer)) &&
           on_signature(arg, job->question, job->kind,
                        slice_from(job->signature, job->signature_len))) {
        pthread_mutex_lock(&signer->lock);
        DL_DELETE(signer->done, job);
        signer->n_jobs--;
        pthread_mutex_unlock(&signer->lock);
        free_job(job);
    }
}
