/* See dmarc_mailer.h. What waits when the role ends is not answered: history tries again. */
#include "relay/dmarc_mailer.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/dmarc_message.h"
#include "io/memory_file.h"
#include "mail/address.h"
#include "policy/names.h"
#include "trust/dmarc.h"
#include "trust/dmarc_report_write.h"
#include "trust/mailto.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <utlist.h>

enum { MAIL_MAX = 24 << 20 };

struct job {
    struct job *prev, *next;
    struct arena arena;
    struct msg_dmarc_send send;
    struct buf gzip;
    struct slice hostname, from;
};

struct dmarc_mailer {
    struct dmarc_mailer_settings settings;
    pthread_t threads[DMARC_MAILER_THREADS];
    unsigned n_threads;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct job *waiting;
    unsigned n_waiting;
    char *hostname, *from;
    bool stopping;
};

struct dmarc_mailer *dmarc_mailer_new(const struct dmarc_mailer_settings *settings)
{
    struct dmarc_mailer *mailer = xcalloc(1, sizeof(*mailer));

    mailer->settings = *settings;
    mailer->hostname = xstrdup("");
    mailer->from = xstrdup("");
    pthread_mutex_init(&mailer->lock, NULL);
    pthread_cond_init(&mailer->changed, NULL);
    return mailer;
}

static void job_free(struct job *job)
{
    buf_done(&job->gzip);
    arena_done(&job->arena);
    free(job);
}

void dmarc_mailer_set_identity(struct dmarc_mailer *mailer, struct slice hostname,
                               struct slice from)
{
    pthread_mutex_lock(&mailer->lock);
    free(mailer->hostname);
    free(mailer->from);
    mailer->hostname = xslicedup(hostname);
    mailer->from = xslicedup(from);
    pthread_mutex_unlock(&mailer->lock);
}

/* ---- one report ----------------------------------------------------------------------------- */

static bool mail_to(struct dmarc_mailer *mailer, const struct job *job, struct slice to)
{
    const struct dmarc_report_mail mail = {.from = job->from,
                                           .to = to,
                                           .domain = job->send.policy_domain,
                                           .submitter = job->hostname,
                                           .report_id = job->send.report_id,
                                           .begin = (int64_t)job->send.begin,
                                           .end = (int64_t)job->send.end,
                                           .date = (int64_t)(clock_wall_ms() / 1000),
                                           .message_id = slice_hash(job->send.report_id),
                                           .gzip = buf_slice(&job->gzip)};
    struct buf text;
    bool taken;

    buf_init(&text, MAIL_MAX);
    dmarc_report_mail_write(&text, &mail);
    taken =
        !text.overflow && mail_out_send(mailer->settings.mail_out, job->from, to, buf_slice(&text));
    buf_done(&text);
    if (taken)
        log_info(NULL, "dmarc-report-sent", LOG_SLICE("domain", job->send.policy_domain),
                 LOG_SLICE("to", to), LOG_SLICE("report", job->send.report_id),
                 LOG_INT("bytes", job->gzip.len));
    else
        log_warn(NULL, "dmarc-report-failed", LOG_SLICE("domain", job->send.policy_domain),
                 LOG_SLICE("to", to), LOG_SLICE("report", job->send.report_id));
    return taken;
}

/* To the address, or to those that its host names in its place. */
static enum dmarc_sent deliver(struct dmarc_mailer *mailer, const struct job *job,
                               struct slice address, const struct dmarc_destination *destination,
                               struct arena *arena)
{
    unsigned taken = 0, tried = 0;
    struct slice other;

    if (destination->n_rua == 0)
        return mail_to(mailer, job, address) ? DMARC_SENT_TAKEN : DMARC_SENT_LATER;
    for (unsigned i = 0; i < destination->n_rua; i++) {
        if (!mailto_read(destination->rua[i], arena, &other))
            continue;
        tried++;
        taken += mail_to(mailer, job, other);
    }
    return tried == 0 ? DMARC_SENT_FORBIDDEN : taken ? DMARC_SENT_TAKEN : DMARC_SENT_LATER;
}

static enum dmarc_sent refuse(const struct job *job, struct slice address,
                              const struct dmarc_destination *destination)
{
    if (destination->later)
        log_info(NULL, "dmarc-report-destination-unknown",
                 LOG_SLICE("domain", job->send.policy_domain), LOG_SLICE("to", address),
                 LOG_SLICE("why", destination->problem));
    else
        log_info(NULL, "dmarc-report-forbidden", LOG_SLICE("domain", job->send.policy_domain),
                 LOG_SLICE("to", address), LOG_SLICE("why", destination->problem));
    return destination->later ? DMARC_SENT_LATER : DMARC_SENT_FORBIDDEN;
}

static enum dmarc_sent send_to(struct dmarc_mailer *mailer, const struct job *job,
                               struct slice address)
{
    struct names *names =
        names_new(&(struct names_options){.dns = mailer->settings.dns, .waits = true});
    struct dmarc_destination destination = {.later = true};
    enum dmarc_sent sent;
    struct arena arena;
    struct slice host;
    int r;

    arena_init(&arena);
    r = address_domain_to_ascii(&arena, address_domain(address), &host);
    if (r == 0)
        r = dmarc_destination_check(job->send.policy_domain, host, names_of(names), &arena,
                                    &destination);
    sent = r == 0 && destination.may ? deliver(mailer, job, address, &destination, &arena)
                                     : refuse(job, address, &destination);
    names_end(names);
    arena_done(&arena);
    return sent;
}

static void answer(struct dmarc_mailer *mailer, const struct msg_dmarc_sent *sent)
{
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_dmarc_sent_encode(&out, sent);
    r = role_send(mailer->settings.role, ROLE_HISTORY, MSG_DMARC_SENT, buf_slice(&out), NULL, 0);
    buf_done(&out);
    if (r < 0)
        log_warn(NULL, "dmarc-report-not-told", LOG_ERRNO(r));
}

static void run_job(struct dmarc_mailer *mailer, const struct job *job)
{
    struct msg_dmarc_sent sent = {.request = job->send.request, .n_results = job->send.n_to};

    for (uint32_t i = 0; i < job->send.n_to; i++)
        sent.results[i] = (uint8_t)send_to(mailer, job, job->send.to[i]);
    answer(mailer, &sent);
}

/* ---- threads -------------------------------------------------------------------------------- */

/* NULL: the role ends. */
static struct job *next_job(struct dmarc_mailer *mailer)
{
    struct job *job = NULL;

    pthread_mutex_lock(&mailer->lock);
    while (!mailer->waiting && !mailer->stopping)
        pthread_cond_wait(&mailer->changed, &mailer->lock);
    if (!mailer->stopping) {
        job = mailer->waiting;
        DL_DELETE(mailer->waiting, job);
        mailer->n_waiting--;
    }
    pthread_mutex_unlock(&mailer->lock);
    return job;
}

static void *run_thread(void *arg)
{
    struct dmarc_mailer *mailer = arg;
    struct job *job;

    while ((job = next_job(mailer))) {
        run_job(mailer, job);
        job_free(job);
    }
    return NULL;
}

int dmarc_mailer_start(struct dmarc_mailer *mailer)
{
    sigset_t all, before;
    int r = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (r == 0 && mailer->n_threads < DMARC_MAILER_THREADS) {
        r = pthread_create(&mailer->threads[mailer->n_threads], NULL, run_thread, mailer);
        if (r == 0)
            mailer->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

void dmarc_mailer_free(struct dmarc_mailer *mailer)
{
    struct job *job, *next;

    if (!mailer)
        return;
    pthread_mutex_lock(&mailer->lock);
    mailer->stopping = true;
    pthread_cond_broadcast(&mailer->changed);
    pthread_mutex_unlock(&mailer->lock);
    for (unsigned i = 0; i < mailer->n_threads; i++)
        pthread_join(mailer->threads[i], NULL);
    DL_FOREACH_SAFE(mailer->waiting, job, next)
    {
        job_free(job);
    }
    pthread_cond_destroy(&mailer->changed);
    pthread_mutex_destroy(&mailer->lock);
    free(mailer->hostname);
    free(mailer->from);
    free(mailer);
}

/* ---- taking --------------------------------------------------------------------------------- */

static struct job *job_new(const struct channel_message *message)
{
    struct job *job = xcalloc(1, sizeof(*job));

    arena_init(&job->arena);
    buf_init(&job->gzip, DMARC_MAILER_GZIP_MAX);
    if (message->n_fds == 1 &&
        msg_dmarc_send_decode(arena_dup(&job->arena, message->payload), &job->arena, &job->send) ==
            0 &&
        memory_file_read_all(message->fds[0], &job->gzip) == 0)
        return job;
    job_free(job);
    return NULL;
}

static bool add(struct dmarc_mailer *mailer, struct job *job)
{
    bool room;

    pthread_mutex_lock(&mailer->lock);
    room = mailer->n_waiting < DMARC_MAILER_WAITING_MAX && !mailer->stopping;
    if (room) {
        job->hostname = arena_dup(&job->arena, slice_from_cstr(mailer->hostname));
        job->from = arena_dup(&job->arena, slice_from_cstr(mailer->from));
        DL_APPEND(mailer->waiting, job);
        mailer->n_waiting++;
        pthread_cond_signal(&mailer->changed);
    }
    pthread_mutex_unlock(&mailer->lock);
    return room;
}

void dmarc_mailer_take(struct dmarc_mailer *mailer, const struct channel_message *message)
{
    struct job *job = job_new(message);

    if (!job) {
        log_error(NULL, "bad-dmarc-report", LOG_INT("bytes", message->payload.len));
    } else if (!add(mailer, job)) {
        /* Without results all is for later. */
        answer(mailer, &(struct msg_dmarc_sent){.request = job->send.request});
        job_free(job);
    }
}
