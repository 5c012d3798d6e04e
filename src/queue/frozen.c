/*
 * See frozen.h. A job goes through the steps of enum job_step:
 *
 * - the walk over all messages, JOB_SLICE of them a round, because each one's envelope is read from
 *   the spool to know whose it is; what is the account's is held, a record for each message;
 * - the wait until those records are on disk, looked up in the ledger, and until what auth let pass
 *   just before has come, too (frozen_check);
 * - the mail to the postmaster, a message of the queue's own log like a DSN but without an outcome
 *   to go with. Its envelope names the freeze, so that the walk of a repeated job finds it;
 * - auth is told. Then the job is kept a while, for repeats and for messages that come late.
 *
 * At most JOBS_MAX jobs are kept. One more pushes out the oldest that is done, or is not taken;
 * auth tells it again later.
 */
#include "queue/frozen.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "io/login_message.h"
#include "queue/bounce.h"
#include "queue/freeze_notice.h"
#include "queue/hold.h"
#include "queue/notice.h"
#include "queue/route.h"

#include <errno.h>
#include <stdatomic.h>
#include <utlist.h>

enum {
    JOBS_MAX = 1000,
    JOB_SLICE = 200,
    AGAIN_MS = 5000,
    SETTLE_MS = 2000, /* what auth let pass just before is with us by then */
    LATE_MS = 1000,   /* from auth's leave to send until the message's time of acceptance */
    MAIL_MAX = 16 * 1024,
};

enum job_step { JOB_WALKS, JOB_SAVES, JOB_MAILS, JOB_TELLS, JOB_DONE };

struct job {
    struct slice account, why, text; /* `text`: what is told of held recipients */
    uint64_t since_ms;
    bool tell;
    enum job_step step;
    uint32_t cursor;
    uint64_t *ids; /* messages whose records may not be on disk yet; grows by doubling */
    size_t n_ids, ids_size;
    uint64_t held;                 /* messages of the account that wait for the administrator */
    uint64_t settled_at, again_at; /* queue time: not before */
    bool under_way;                /* the mail is with the committer, who sets: */
    atomic_int result;             /* RESULT_NONE, or as in spool_done */
    struct loop *loop;
    struct arena arena;
    struct job *prev, *next;
};
enum { RESULT_NONE = 1 };

struct frozen {
    struct job *jobs; /* oldest first */
    unsigned n_jobs;
};

struct frozen *frozen_new(void)
{
    return xcalloc(1, sizeof(struct frozen));
}

static void drop(struct frozen *frozen, struct job *job)
{
    DL_DELETE(frozen->jobs, job);
    frozen->n_jobs--;
    free(job->ids);
    arena_done(&job->arena);
    free(job);
}

void frozen_free(struct frozen *frozen)
{
    struct job *job, *next;

    if (!frozen)
        return;
    DL_FOREACH_SAFE(frozen->jobs, job, next)
    drop(frozen, job);
    free(frozen);
}

/* ---- what auth says ------------------------------------------------------------------------ */

static struct job *find(const struct frozen *frozen, const struct msg_frozen *message)
{
    struct job *job;

    DL_FOREACH(frozen->jobs, job)
    {
        if (job->since_ms == message->since_ms && slice_eq(job->account, message->account))
            return job;
    }
    return NULL;
}

static bool make_room(struct frozen *frozen)
{
    struct job *job, *next;

    DL_FOREACH_SAFE(frozen->jobs, job, next)
    {
        if (frozen->n_jobs < JOBS_MAX)
            return true;
        if (job->step == JOB_DONE)
            drop(frozen, job);
    }
    return frozen->n_jobs < JOBS_MAX;
}

static void add(struct queue *queue, const struct msg_frozen *message)
{
    struct job *job = xcalloc(1, sizeof(*job));

    arena_init(&job->arena);
    job->account = arena_dup(&job->arena, message->account);
    job->why = arena_dup(&job->arena, message->why);
    job->text = arena_printf(&job->arena, "held, because the account is frozen: %.*s",
                             SLICE_ARG(message->why));
    job->since_ms = message->since_ms;
    job->tell = message->tell;
    job->loop = queue->role->loop;
    job->settled_at = queue_now(queue) + SETTLE_MS;
    DL_APPEND(queue->frozen->jobs, job);
    queue->frozen->n_jobs++;
    log_warn(NULL, "frozen", LOG_SLICE("account", job->account), LOG_SLICE("why", job->why));
}

int frozen_take(struct queue *queue, struct slice payload)
{
    struct msg_frozen message;
    struct job *job;

    if (msg_frozen_decode(payload, NULL, &message) < 0)
        return -EBADMSG;
    job = find(queue->frozen, &message);
    if (job && job->step == JOB_DONE)
        job->step = JOB_TELLS;
    else if (!job && make_room(queue->frozen))
        add(queue, &message);
    return 0;
}

/* ---- the walk ------------------------------------------------------------------------------ */

/* What names the freeze in the envelope of its mail; nothing else writes or reads it. */
static struct slice mark_of(struct arena *arena, const struct job *job)
{
    return arena_printf(arena, "frozen %.*s %llu", SLICE_ARG(job->account),
                        (unsigned long long)job->since_ms);
}

static bool is_our_mail(struct queue *queue, const struct job *job, const struct envelope *envelope)
{
    return slice_eq(envelope->listener, BOUNCE_NOTICE_LISTENER) &&
           slice_eq(envelope->verdicts, mark_of(&queue->scratch, job));
}

static void note_id(struct job *job, uint64_t id)
{
    if (job->n_ids == job->ids_size) {
        job->ids_size = job->ids_size ? job->ids_size * 2 : 64;
        job->ids = xrealloc(job->ids, job->ids_size * sizeof(*job->ids));
    }
    job->ids[job->n_ids++] = id;
}

static bool waits_for_release(struct message *message)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (!recipient_is_over(recipient) && recipient_flags(recipient) & FLAG_HELD)
            return true;
    }
    return false;
}

static void visit(struct queue *queue, struct job *job, struct message *message)
{
    struct envelope envelope;

    arena_reset(&queue->scratch);
    if (!message->n_open ||
        spool_store_envelope(queue->store, message->location, &queue->scratch, &envelope) < 0)
        return;
    if (is_our_mail(queue, job, &envelope))
        job->tell = false;
    if (!slice_eq_nocase(envelope.login, job->account))
        return;
    if (hold_message(queue, message, job->text))
        notice_check(queue, message);
    note_id(job, message->id);
    job->held += waits_for_release(message);
}

static void walk(struct queue *queue, struct job *job)
{
    for (unsigned n = 0; n < JOB_SLICE; n++) {
        struct message *message = ledger_next(&queue->ledger, &job->cursor);
        if (!message) {
            job->step = JOB_SAVES;
            return;
        }
        visit(queue, job, message);
    }
}

/* ---- saving -------------------------------------------------------------------------------- */

static bool is_saved(struct queue *queue, uint64_t id)
{
    const struct message *message = ledger_find(&queue->ledger, id);

    return !message || (!message->records && !(message->flags & MESSAGE_UNSAVED));
}

static void save(struct queue *queue, struct job *job)
{
    while (job->n_ids && is_saved(queue, job->ids[job->n_ids - 1]))
        job->n_ids--;
    if (!job->n_ids && queue_now(queue) >= job->settled_at)
        job->step = job->tell ? JOB_MAILS : JOB_TELLS;
}

/* ---- the mail ------------------------------------------------------------------------------ */

/* On the committer's thread. */
static void on_mail_done(void *arg, int result)
{
    struct job *job = arg;

    atomic_store(&job->result, result);
    loop_wake(job->loop);
}

static void submit_mail(struct queue *queue, struct job *job)
{
    struct slice to = queue->config->postmaster.len ? queue->config->postmaster : ROUTE_POSTMASTER;
    struct recipient recipient = {.address = to, .class = route_class(queue->config, to)};
    struct envelope envelope = {.id = spool_store_next_id(queue->store),
                                .received_ms = clock_wall_ms(),
                                .recipients = &recipient,
                                .n_recipients = 1,
                                .ours = true,
                                .listener = BOUNCE_NOTICE_LISTENER,
                                .verdicts = mark_of(&queue->scratch, job)};
    struct freeze_notice notice = {.hostname = queue->config->hostname,
                                   .to = to,
                                   .now_ms = envelope.received_ms,
                                   .account = job->account,
                                   .why = job->why,
                                   .since_ms = job->since_ms,
                                   .held = job->held};
    struct buf text;

    notice.message_id =
        arena_printf(&queue->scratch, "<%s@%.*s>", message_id_format(envelope.id).text,
                     SLICE_ARG(notice.hostname));
    buf_init(&text, MAIL_MAX);
    freeze_notice_build(&text, &notice);
    envelope.body = utf8_is_ascii(buf_slice(&text)) ? BODY_7BIT : BODY_8BITMIME;
    envelope.smtputf8 = !utf8_is_ascii(to);
    job->under_way = true;
    atomic_store(&job->result, RESULT_NONE);
    spool_store_submit(queue->store, &envelope, buf_slice(&text), on_mail_done, job);
    buf_done(&text);
    log_info(NULL, "frozen-mail", LOG_STR("message", message_id_format(envelope.id).text),
             LOG_SLICE("account", job->account), LOG_SLICE("to", to));
}

static void mail(struct queue *queue, struct job *job)
{
    int result = atomic_load(&job->result);

    if (!job->under_way) {
        arena_reset(&queue->scratch);
        submit_mail(queue, job);
        return;
    }
    if (result == RESULT_NONE)
        return;
    job->under_way = false;
    if (result == 0) {
        job->step = JOB_TELLS;
        return;
    }
    log_error(NULL, "frozen-mail-not-written", LOG_SLICE("account", job->account),
              LOG_ERRNO(result));
    job->again_at = queue_now(queue) + AGAIN_MS;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void tell(struct queue *queue, struct job *job)
{
    struct msg_frozen_taken taken = {.account = job->account, .since_ms = job->since_ms};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_frozen_taken_encode(&out, &taken);
    r = role_send(queue->role, ROLE_AUTH, MSG_FROZEN_TAKEN, buf_slice(&out), NULL, 0);
    buf_done(&out);
    if (r == -EAGAIN)
        job->again_at = queue_now(queue) + AGAIN_MS;
    else
        job->step = JOB_DONE; /* an auth that is away asks again */
}

bool frozen_run(struct queue *queue)
{
    uint64_t now = queue_now(queue);
    bool walked = false;
    struct job *job;

    DL_FOREACH(queue->frozen->jobs, job)
    {
        if (job->again_at > now)
            continue;
        if (job->step == JOB_WALKS && !walked) {
            walk(queue, job);
            walked = true;
        }
        if (job->step == JOB_SAVES)
            save(queue, job);
        if (job->step == JOB_MAILS)
            mail(queue, job);
        if (job->step == JOB_TELLS)
            tell(queue, job);
    }
    return walked;
}

/* By both clocks: the wall's may have been set in between, and ours began with the process. */
static bool came_late(const struct queue *queue, const struct job *job,
                      const struct envelope *envelope)
{
    return queue_now(queue) < job->settled_at || envelope->received_ms <= job->since_ms + LATE_MS;
}

void frozen_check(struct queue *queue, struct message *message, const struct envelope *envelope)
{
    struct job *job;

    DL_FOREACH(queue->frozen->jobs, job)
    {
        if (!envelope->login.len || !slice_eq_nocase(envelope->login, job->account) ||
            !came_late(queue, job, envelope))
            continue;
        (void)hold_message(queue, message, job->text);
        if (job->step == JOB_SAVES || (job->step == JOB_WALKS && message->handle <= job->cursor)) {
            note_id(job, message->id);
            job->held++;
        }
    }
}
