/*
 * One thread drives all requests with curl's multi interface, a bounded number at a time; the
 * others wait in a list, and are given up when they have waited too long. See oauth.h.
 *
 * The lock guards the lists of jobs, the rules and what is kept. A request holds its own reference
 * to the rules it was asked under, so that a reload cannot change them under it; its answer is only
 * kept when they are still in force. Redirects are not followed: the token goes where the
 * configuration says, and nowhere else.
 */
#include "account/oauth.h"

#include "account/oauth_request.h"
#include "base/buf.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <utlist.h>

enum { RUNNING_MAX = 16, POLL_MS = 1000, DIGEST_BYTES = 32 };

struct job {
    struct job *prev, *next;
    uint64_t number;
    uint64_t asked_ms;
    struct buf token;
    unsigned char digest[DIGEST_BYTES];
    struct oauth_request *request; /* while it runs */
    struct oauth_terms *terms;     /* likewise */
    struct arena arena;            /* of the answer */
    struct oauth_answer answer;
};

/* A verdict by the token's hash: each has one place where it can be, so the newest stays. */
struct kept {
    unsigned char digest[DIGEST_BYTES];
    enum oauth_verdict verdict; /* 0: nothing kept here */
    uint64_t until_ms, expires_s;
    const char *why;
    char *account;
};

struct oauth {
    void (*wake)(void *arg);
    void *arg;
    pthread_t thread;
    bool started;
    CURLM *multi;
    struct job *running; /* the thread's */
    unsigned n_running;
    pthread_mutex_t lock; /* guards the rest */
    struct job *waiting, *done;
    size_t n_jobs; /* waiting and running */
    struct oauth_terms *terms;
    struct kept kept[OAUTH_KEPT_MAX];
    bool stopping;
};

struct oauth *oauth_new(void (*wake)(void *arg), void *arg)
{
    struct oauth *oauth;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return NULL;
    oauth = xcalloc(1, sizeof(*oauth));
    oauth->wake = wake;
    oauth->arg = arg;
    oauth->multi = curl_multi_init();
    pthread_mutex_init(&oauth->lock, NULL);
    if (oauth->multi)
        return oauth;
    oauth_free(oauth);
    return NULL;
}

static void free_job(struct job *job)
{
    if (job->token.ptr)
        explicit_bzero(job->token.ptr, job->token.size);
    buf_done(&job->token);
    oauth_request_free(job->request);
    oauth_terms_unref(job->terms);
    arena_done(&job->arena);
    free(job);
}

static void forget_kept(struct kept *kept)
{
    free(kept->account);
    *kept = (struct kept){.verdict = 0};
}

/* ---- what is kept; with the lock held ------------------------------------------------------- */

static struct kept *place_of(struct oauth *oauth, const unsigned char *digest)
{
    return &oauth->kept[(digest[0] | digest[1] << 8) % OAUTH_KEPT_MAX];
}

static void keep(struct oauth *oauth, const struct job *job)
{
    struct kept *kept = place_of(oauth, job->digest);

    if (job->answer.verdict == OAUTH_LATER || job->terms != oauth->terms)
        return;
    forget_kept(kept);
    memcpy(kept->digest, job->digest, DIGEST_BYTES);
    kept->verdict = job->answer.verdict;
    kept->until_ms = clock_mono_ms() + OAUTH_KEEP_MS;
    kept->expires_s = job->answer.expires_s;
    kept->why = job->answer.why;
    kept->account = xslicedup(job->answer.account);
}

static bool answer_from_kept(struct oauth *oauth, struct job *job)
{
    const struct kept *kept = place_of(oauth, job->digest);

    if (!kept->verdict || kept->until_ms <= clock_mono_ms() ||
        kept->expires_s <= clock_wall_ms() / 1000 ||
        memcmp(kept->digest, job->digest, DIGEST_BYTES) != 0)
        return false;
    job->answer =
        (struct oauth_answer){.verdict = kept->verdict,
                              .account = arena_dup(&job->arena, slice_from_cstr(kept->account)),
                              .expires_s = kept->expires_s,
                              .why = kept->why};
    return true;
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void finish(struct oauth *oauth, struct job *job)
{
    pthread_mutex_lock(&oauth->lock);
    keep(oauth, job);
    DL_APPEND(oauth->done, job);
    oauth->n_jobs--;
    pthread_mutex_unlock(&oauth->lock);
    oauth->wake(oauth->arg);
}

static void give_up(struct oauth *oauth, struct job *job, const char *why)
{
    job->answer = (struct oauth_answer){.verdict = OAUTH_LATER, .why = why};
    finish(oauth, job);
}

static struct job *take_job(struct oauth *oauth)
{
    struct job *job = NULL;

    pthread_mutex_lock(&oauth->lock);
    if (oauth->n_running < RUNNING_MAX)
        job = oauth->waiting;
    if (job) {
        DL_DELETE(oauth->waiting, job);
        job->terms = oauth_terms_ref(oauth->terms);
    }
    pthread_mutex_unlock(&oauth->lock);
    return job;
}

static void start_job(struct oauth *oauth, struct job *job)
{
    uint64_t waited = clock_mono_ms() - job->asked_ms;

    if (waited >= OAUTH_PATIENCE_MS) {
        give_up(oauth, job, "too many tokens to ask about");
        return;
    }
    if (job->terms)
        job->request =
            oauth_request_new(job->terms, buf_slice(&job->token), OAUTH_PATIENCE_MS - waited, job);
    if (!job->request ||
        curl_multi_add_handle(oauth->multi, oauth_request_handle(job->request)) != CURLM_OK) {
        give_up(oauth, job, job->terms ? "curl failed" : "no OAuth is configured");
        return;
    }
    DL_APPEND(oauth->running, job);
    oauth->n_running++;
}

static void end_job(struct oauth *oauth, struct job *job, CURLcode code)
{
    curl_multi_remove_handle(oauth->multi, oauth_request_handle(job->request));
    DL_DELETE(oauth->running, job);
    oauth->n_running--;
    oauth_request_judge(job->request, (int)code, clock_wall_ms() / 1000, &job->arena, &job->answer);
    finish(oauth, job);
}

static bool is_stopping(struct oauth *oauth)
{
    bool stopping;

    pthread_mutex_lock(&oauth->lock);
    stopping = oauth->stopping;
    pthread_mutex_unlock(&oauth->lock);
    return stopping;
}

static void *run_thread(void *arg)
{
    struct oauth *oauth = arg;

    while (!is_stopping(oauth)) {
        struct job *job;
        CURLMsg *message;
        int left;
        while ((job = take_job(oauth)))
            start_job(oauth, job);
        curl_multi_perform(oauth->multi, &left);
        while ((message = curl_multi_info_read(oauth->multi, &left))) {
            char *private = NULL;
            CURLcode code = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
            end_job(oauth, (struct job *)(void *)private, code);
        }
        curl_multi_poll(oauth->multi, NULL, 0, POLL_MS, NULL);
    }
    return NULL;
}

int oauth_start(struct oauth *oauth)
{
    int r = pthread_create(&oauth->thread, NULL, run_thread, oauth);

    oauth->started = r == 0;
    return -r;
}

/* ---- the loop's side ------------------------------------------------------------------------ */

static void free_jobs(struct oauth *oauth, struct job *jobs)
{
    struct job *job, *next;

    DL_FOREACH_SAFE(jobs, job, next)
    {
        if (job->request)
            curl_multi_remove_handle(oauth->multi, oauth_request_handle(job->request));
        free_job(job);
    }
}

void oauth_free(struct oauth *oauth)
{
    if (!oauth)
        return;
    if (oauth->started) {
        pthread_mutex_lock(&oauth->lock);
        oauth->stopping = true;
        pthread_mutex_unlock(&oauth->lock);
        curl_multi_wakeup(oauth->multi);
        pthread_join(oauth->thread, NULL);
    }
    free_jobs(oauth, oauth->waiting);
    free_jobs(oauth, oauth->running);
    free_jobs(oauth, oauth->done);
    for (size_t i = 0; i < OAUTH_KEPT_MAX; i++)
        forget_kept(&oauth->kept[i]);
    oauth_terms_unref(oauth->terms);
    curl_multi_cleanup(oauth->multi);
    pthread_mutex_destroy(&oauth->lock);
    free(oauth);
    curl_global_cleanup();
}

void oauth_set_rules(struct oauth *oauth, const struct oauth_rules *rules)
{
    pthread_mutex_lock(&oauth->lock);
    oauth_terms_unref(oauth->terms);
    oauth->terms = rules->url.len ? oauth_terms_new(rules) : NULL;
    for (size_t i = 0; i < OAUTH_KEPT_MAX; i++)
        forget_kept(&oauth->kept[i]);
    pthread_mutex_unlock(&oauth->lock);
}

static struct job *make_job(uint64_t number, struct slice token)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->number = number;
    job->asked_ms = clock_mono_ms();
    arena_init(&job->arena);
    buf_init(&job->token, token.len);
    buf_add_slice(&job->token, token);
    EVP_Digest(token.ptr, token.len, job->digest, NULL, EVP_sha256(), NULL);
    return job;
}

int oauth_ask(struct oauth *oauth, uint64_t number, struct slice token)
{
    struct job *job = make_job(number, token);
    bool answered, refused;

    pthread_mutex_lock(&oauth->lock);
    answered = answer_from_kept(oauth, job);
    refused = !answered && oauth->n_jobs >= OAUTH_JOBS_MAX;
    if (answered) {
        DL_APPEND(oauth->done, job);
    } else if (!refused) {
        DL_APPEND(oauth->waiting, job);
        oauth->n_jobs++;
    }
    pthread_mutex_unlock(&oauth->lock);
    if (answered)
        oauth->wake(oauth->arg);
    else
        curl_multi_wakeup(oauth->multi);
    if (refused)
        free_job(job);
    return refused ? -EAGAIN : 0;
}

void oauth_collect(struct oauth *oauth, oauth_on_answer *on_answer, void *arg)
{
    struct job *job, *next, *done;

    pthread_mutex_lock(&oauth->lock);
    done = oauth->done;
    oauth->done = NULL;
    pthread_mutex_unlock(&oauth->lock);
    DL_FOREACH_SAFE(done, job, next)
    {
        on_answer(arg, job->number, &job->answer);
        free_job(job);
    }
}
