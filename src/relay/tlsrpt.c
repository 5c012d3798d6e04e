/*
 * Sessions are counted into `fresh` under the lock. The thread takes that away as a whole, adds it
 * to the day that it has itself, and writes that to disk; what belongs to a day that is over is
 * over, and is sent bit by bit. So whoever counts never waits for more than another one counting.
 * See tlsrpt.h.
 *
 * Invariant: a day is on disk before its first
 * report goes out, and what is sent is off the file within a round; a crash in between sends it
 * again under the same id.
 */
#include "relay/tlsrpt.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/condition.h"
#include "relay/tlsrpt_days.h"
#include "relay/tlsrpt_send.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <utlist.h>

enum {
    ROUND_MAX = 100, /* domains whose reports are tried between two saves */
    ROWS_OF_ONE_MAX = 64,
    POST_MS = 60 * 1000,
    POST_ANSWER_MAX = 64 * 1024,
};

struct tlsrpt {
    struct tlsrpt_settings settings;
    pthread_t thread;
    bool started;
    struct tlsrpt_days days; /* the thread's */
    pthread_mutex_t lock;    /* guards the rest */
    pthread_cond_t changed;
    struct tlsrpt_day *fresh;
    struct tlsrpt_identity identity; /* strings are ours */
    bool posted, post_taken;
    bool stopping;
};

struct tlsrpt *tlsrpt_new(const struct tlsrpt_settings *settings)
{
    struct tlsrpt *tlsrpt = xcalloc(1, sizeof(*tlsrpt));

    tlsrpt->settings = *settings;
    tlsrpt->days.folder = settings->folder;
    pthread_mutex_init(&tlsrpt->lock, NULL);
    condition_init(&tlsrpt->changed);
    return tlsrpt;
}

static struct slice own(struct slice text)
{
    return slice_from(xslicedup(text), text.len);
}

static void free_identity(struct tlsrpt_identity *identity)
{
    free((char *)(uintptr_t)identity->hostname.ptr);
    free((char *)(uintptr_t)identity->contact.ptr);
    free((char *)(uintptr_t)identity->from.ptr);
}

static struct tlsrpt_identity copy_identity(const struct tlsrpt_identity *identity)
{
    return (struct tlsrpt_identity){.send = identity->send,
                                    .hostname = own(identity->hostname),
                                    .contact = own(identity->contact),
                                    .from = own(identity->from)};
}

void tlsrpt_set_identity(struct tlsrpt *tlsrpt, const struct tlsrpt_identity *identity)
{
    pthread_mutex_lock(&tlsrpt->lock);
    free_identity(&tlsrpt->identity);
    tlsrpt->identity = copy_identity(identity);
    pthread_mutex_unlock(&tlsrpt->lock);
}

/* With the lock held; the day to count into. */
static struct tlsrpt_day *fresh_day(struct tlsrpt *tlsrpt)
{
    int64_t number = (int64_t)(clock_wall_ms() / 1000 / TLSRPT_DAY_S);
    struct tlsrpt_day *day;

    LL_SEARCH_SCALAR(tlsrpt->fresh, day, number, number);
    if (!day) {
        day = tlsrpt_day_new(number);
        LL_PREPEND(tlsrpt->fresh, day);
    }
    return day;
}

void tlsrpt_note(struct tlsrpt *tlsrpt, const struct tlsrpt_session *session)
{
    if (session->domain.len == 0)
        return;
    pthread_mutex_lock(&tlsrpt->lock);
    if (tlsrpt->identity.send)
        tlsrpt_day_note(fresh_day(tlsrpt), session);
    pthread_mutex_unlock(&tlsrpt->lock);
}

/* Fresh counts into their days; on the thread. */
static void gather(struct tlsrpt *tlsrpt)
{
    struct tlsrpt_day *fresh;

    pthread_mutex_lock(&tlsrpt->lock);
    fresh = tlsrpt->fresh;
    tlsrpt->fresh = NULL;
    pthread_mutex_unlock(&tlsrpt->lock);
    tlsrpt_days_add(&tlsrpt->days, fresh);
}

/* ---- sending; on the thread ----------------------------------------------------------------- */

static bool wait_for(struct tlsrpt *tlsrpt, const bool *flag, uint64_t deadline)
{
    const struct timespec until = condition_deadline(deadline);

    while (!*flag && !tlsrpt->stopping) {
        if (pthread_cond_timedwait(&tlsrpt->changed, &tlsrpt->lock, &until) == ETIMEDOUT)
            break;
    }
    return *flag;
}

static bool hand_mail(void *arg, struct slice to, struct slice text)
{
    struct tlsrpt *tlsrpt = arg;
    struct slice from;
    bool taken;

    pthread_mutex_lock(&tlsrpt->lock);
    from = own(tlsrpt->identity.from);
    pthread_mutex_unlock(&tlsrpt->lock);
    taken = tlsrpt->settings.send_mail(tlsrpt->settings.arg, from, to, text);
    free((char *)(uintptr_t)from.ptr);
    return taken;
}

static void on_posted(void *arg, const struct https_answer *answer)
{
    struct tlsrpt *tlsrpt = arg;

    if (answer->failure)
        log_info(NULL, "tls-report-refused", LOG_STR("why", answer->why));
    else if (answer->status / 100 != 2)
        log_info(NULL, "tls-report-refused", LOG_INT("status", answer->status));
    pthread_mutex_lock(&tlsrpt->lock);
    tlsrpt->posted = true;
    tlsrpt->post_taken = !answer->failure && answer->status / 100 == 2;
    pthread_cond_broadcast(&tlsrpt->changed);
    pthread_mutex_unlock(&tlsrpt->lock);
}

/* The answer comes in any case, at the latest when https is stopped: it is waited for. */
static bool post(void *arg, struct slice url, struct slice gzip)
{
    struct tlsrpt *tlsrpt = arg;
    const struct https_request request = {.url = url,
                                          .body = gzip,
                                          .type = "application/tlsrpt+gzip",
                                          .answer_max = POST_ANSWER_MAX,
                                          .patience_ms = POST_MS};
    bool taken;

    pthread_mutex_lock(&tlsrpt->lock);
    tlsrpt->posted = false;
    pthread_mutex_unlock(&tlsrpt->lock);
    https_ask(tlsrpt->settings.https, &request, on_posted, tlsrpt);
    pthread_mutex_lock(&tlsrpt->lock);
    while (!tlsrpt->posted)
        pthread_cond_wait(&tlsrpt->changed, &tlsrpt->lock);
    taken = tlsrpt->post_taken;
    pthread_mutex_unlock(&tlsrpt->lock);
    return taken;
}

static bool is_stopping(struct tlsrpt *tlsrpt)
{
    bool stopping;

    pthread_mutex_lock(&tlsrpt->lock);
    stopping = tlsrpt->stopping;
    pthread_mutex_unlock(&tlsrpt->lock);
    return stopping;
}

/* A while after the day's end that is each domain's own, the same after a restart. */
static int64_t first_try(const struct tlsrpt_sender *sender, const struct tlsrpt_day *day,
                         struct slice domain)
{
    uint64_t spread = slice_hash(domain) ^ slice_hash(sender->identity.hostname);

    return (day->number + 1) * TLSRPT_DAY_S + (int64_t)(spread % TLSRPT_JITTER_S);
}

/* The rows of the first one's domain: at least that one. */
static unsigned collect(struct tlsrpt_row *first, struct tlsrpt_row **ret_rows)
{
    struct tlsrpt_row *row = first;
    unsigned n = 0;

    do {
        ret_rows[n++] = row;
        row = row->hh.next;
    } while (row && n < ROWS_OF_ONE_MAX && slice_eq(row->domain, first->domain));
    return n;
}

static bool is_due(const struct tlsrpt_sender *sender, const struct tlsrpt_day *day,
                   struct tlsrpt_row *row, int64_t now_s)
{
    if (!row->next_s)
        row->next_s = first_try(sender, day, row->domain);
    return row->next_s <= now_s;
}

static void try_domain(const struct tlsrpt_sender *sender, struct tlsrpt_day *day,
                       struct tlsrpt_row *const *rows, unsigned n, int64_t now_s)
{
    enum tlsrpt_sent sent = tlsrpt_send(sender, day->number, rows, n);
    bool given_up =
        sent == TLSRPT_LATER && now_s >= (day->number + 1) * TLSRPT_DAY_S + TLSRPT_GIVE_UP_S;

    if (given_up)
        log_warn(NULL, "tls-report-given-up", LOG_SLICE("domain", rows[0]->domain));
    for (unsigned i = 0; i < n; i++) {
        if (sent == TLSRPT_LATER && !given_up)
            rows[i]->next_s = now_s + TLSRPT_RETRY_S;
        else
            tlsrpt_day_remove(day, rows[i]);
    }
    day->changed |= sent != TLSRPT_LATER || given_up;
}

static void send_day(struct tlsrpt *tlsrpt, const struct tlsrpt_sender *sender,
                     struct tlsrpt_day *day, unsigned *left)
{
    int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
    struct tlsrpt_row *rows[ROWS_OF_ONE_MAX];
    struct tlsrpt_row *row, *next;

    tlsrpt_day_sort(day);
    for (row = day->rows; row && *left && !is_stopping(tlsrpt); row = next) {
        unsigned n = collect(row, rows);
        next = rows[n - 1]->hh.next;
        if (!is_due(sender, day, row, now_s))
            continue;
        try_domain(sender, day, rows, n, now_s);
        --*left;
    }
}

static void send_all(struct tlsrpt *tlsrpt)
{
    struct tlsrpt_sender sender = {
        .dns = tlsrpt->settings.dns, .mail = hand_mail, .post = post, .arg = tlsrpt};
    struct tlsrpt_day *day;
    unsigned left = ROUND_MAX;

    pthread_mutex_lock(&tlsrpt->lock);
    sender.identity = copy_identity(&tlsrpt->identity);
    pthread_mutex_unlock(&tlsrpt->lock);
    if (!sender.identity.send)
        tlsrpt_days_forget(&tlsrpt->days);
    LL_FOREACH(tlsrpt->days.over, day)
    {
        send_day(tlsrpt, &sender, day, &left);
    }
    free_identity(&sender.identity);
}

static void *run_thread(void *arg)
{
    struct tlsrpt *tlsrpt = arg;

    tlsrpt_days_load(&tlsrpt->days);
    while (!is_stopping(tlsrpt)) {
        bool never = false;
        gather(tlsrpt);
        tlsrpt_days_save(&tlsrpt->days);
        send_all(tlsrpt);
        tlsrpt_days_save(&tlsrpt->days);
        pthread_mutex_lock(&tlsrpt->lock);
        wait_for(tlsrpt, &never, clock_mono_ms() + TLSRPT_SAVE_MS);
        pthread_mutex_unlock(&tlsrpt->lock);
    }
    gather(tlsrpt);
    tlsrpt_days_save(&tlsrpt->days);
    return NULL;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

int tlsrpt_start(struct tlsrpt *tlsrpt)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&tlsrpt->thread, NULL, run_thread, tlsrpt);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    tlsrpt->started = r == 0;
    return -r;
}

void tlsrpt_free(struct tlsrpt *tlsrpt)
{
    if (!tlsrpt)
        return;
    if (tlsrpt->started) {
        pthread_mutex_lock(&tlsrpt->lock);
        tlsrpt->stopping = true;
        pthread_cond_broadcast(&tlsrpt->changed);
        pthread_mutex_unlock(&tlsrpt->lock);
        pthread_join(tlsrpt->thread, NULL);
    }
    if (tlsrpt->fresh)
        gather(tlsrpt);
    tlsrpt_days_done(&tlsrpt->days);
    free_identity(&tlsrpt->identity);
    pthread_cond_destroy(&tlsrpt->changed);
    pthread_mutex_destroy(&tlsrpt->lock);
    free(tlsrpt);
}
