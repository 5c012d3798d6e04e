/*
 * One entry for each domain that has a policy, had a failure lately, or is being looked up. See
 * sts.h.
 *
 * A look-up is a job: the TXT record first, then, where that announces something newer than what we
 * have, the policy. All who ask for a domain meanwhile wait for its one job, unless there is a
 * policy in force, which they are given at once. The job's steps run on the threads of the resolver
 * and of https.h; the last one writes the file, so that one thread writes all files.
 *
 * The lock guards the table and all entries. Invariant: an entry that is busy is not removed.
 * Nobody is called and no file is touched with the lock held.
 */
#include "relay/sts.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "relay/sts_fetch.h"
#include "relay/sts_file.h"
#include "relay/sts_table.h"

#include <pthread.h>
#include <string.h>
#include <utlist.h>

enum {
    RENEW_AT_ONCE = 20,
    FORGET_AT_ONCE = 1000,
    DNS_MS = 20000,
    DAY_S = 86400,
    DNS_NAME_TEXT_MAX = 270
};

struct sts {
    struct sts_settings settings;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct sts_table table;
    unsigned n_busy;
    struct sts_numbers numbers; /* but for the policies */
};

struct job {
    struct job *next;
    struct sts *sts;
    uint64_t deadline;
    char id[STS_ID_MAX + 1];
    char domain[];
};

/* With the lock held. The answer holds a reference, and words of its own. */
struct outcome {
    struct sts_answer answer;
    char why[HTTPS_WHY_MAX];
};

static void get_outcome(const struct sts_entry *entry, const char *no_record,
                        struct outcome *ret_outcome)
{
    bool good = sts_entry_is_good(entry);
    bool off = good && sts_policy_mode(entry->policy) == STS_NONE;
    const char *why = off         ? "its MTA-STS policy has mode none"
                      : good      ? ""
                      : no_record ? no_record
                                  : entry->why;

    ret_outcome->answer =
        (struct sts_answer){.policy = good && !off ? sts_policy_ref(entry->policy) : NULL,
                            .failure = good || no_record ? NULL : entry->failure};
    snprintf(ret_outcome->why, sizeof(ret_outcome->why), "%s", why);
    ret_outcome->answer.why = slice_from_cstr(ret_outcome->why);
}

/* Likewise. */
static struct job *new_job(struct sts *sts, struct sts_entry *entry, uint64_t deadline)
{
    size_t size = strlen(entry->domain) + 1;
    struct job *job = xcalloc(1, sizeof(*job) + size);

    job->sts = sts;
    job->deadline = deadline;
    memcpy(job->domain, entry->domain, size);
    entry->busy = true;
    sts->n_busy++;
    return job;
}

/* ---- the end of a job ----------------------------------------------------------------------- */

static void drop_file(struct sts *sts, char *domain)
{
    if (domain && sts->settings.folder >= 0)
        sts_file_remove(sts->settings.folder, slice_from_cstr(domain));
    free(domain);
}

static void tell(struct sts_waiter *waiters, const struct sts_answer *answer)
{
    struct sts_waiter *waiter, *next;

    LL_FOREACH_SAFE(waiters, waiter, next)
    {
        struct sts_answer own = *answer;
        if (own.policy)
            sts_policy_ref(own.policy);
        waiter->found(waiter->arg, &own);
        free(waiter);
    }
    sts_policy_unref(answer->policy);
}

/* `no_record`: why there is nothing to fetch, or NULL. */
static void finish(struct job *job, const char *no_record)
{
    struct sts *sts = job->sts;
    struct sts_waiter *waiters;
    struct outcome outcome;
    struct sts_entry *entry;
    char *evicted;

    pthread_mutex_lock(&sts->lock);
    entry = sts_table_find(&sts->table, slice_from_cstr(job->domain));
    waiters = entry->waiters;
    entry->waiters = NULL;
    entry->busy = false;
    get_outcome(entry, no_record, &outcome);
    if (!entry->policy && entry->retry_at <= clock_mono_ms())
        sts_table_remove(&sts->table, entry);
    evicted = sts_table_evict(&sts->table);
    pthread_mutex_unlock(&sts->lock);
    drop_file(sts, evicted);
    tell(waiters, &outcome.answer);
    free(job);
    pthread_mutex_lock(&sts->lock);
    sts->n_busy--;
    pthread_cond_broadcast(&sts->idle);
    pthread_mutex_unlock(&sts->lock);
}

static void log_policy(const struct job *job, const struct sts_policy *policy)
{
    log_info(NULL, "sts-policy", LOG_STR("domain", job->domain), LOG_STR("id", job->id),
             LOG_STR("mode", sts_mode_name(sts_policy_mode(policy))),
             LOG_INT("max_age_s", sts_policy_max_age_s(policy)));
}

static void keep_policy(struct job *job, struct sts_policy *policy)
{
    struct sts *sts = job->sts;
    struct sts_policy_facts facts = {.domain = slice_from_cstr(job->domain),
                                     .id = slice_from_cstr(job->id),
                                     .fetched_s = clock_wall_ms() / 1000};
    struct sts_entry *entry;
    struct sts_policy *before;
    int r = 0;

    pthread_mutex_lock(&sts->lock);
    entry = sts_table_find(&sts->table, facts.domain);
    sts->numbers.fetched++;
    before = sts_table_put(&sts->table, entry, policy);
    memcpy(entry->id, job->id, sizeof(entry->id));
    entry->fetched_s = facts.fetched_s;
    entry->failure = NULL;
    facts.used_s = entry->used_s;
    pthread_mutex_unlock(&sts->lock);
    if (!before || !slice_eq(sts_policy_text(before), sts_policy_text(policy)))
        log_policy(job, policy);
    sts_policy_unref(before);
    if (sts->settings.folder >= 0)
        r = sts_file_write(sts->settings.folder, &facts, policy);
    if (r < 0)
        log_warn(NULL, "sts-not-kept", LOG_STR("domain", job->domain), LOG_ERRNO(r));
}

static void keep_failure(struct job *job, const struct sts_fetched *fetched)
{
    struct sts *sts = job->sts;
    struct sts_entry *entry;

    pthread_mutex_lock(&sts->lock);
    entry = sts_table_find(&sts->table, slice_from_cstr(job->domain));
    sts->numbers.failed++;
    entry->failure = fetched->failure;
    snprintf(entry->why, sizeof(entry->why), "%s", fetched->why);
    entry->retry_at = clock_mono_ms() + STS_RETRY_MS;
    pthread_mutex_unlock(&sts->lock);
    log_warn(NULL, "sts-failed", LOG_STR("domain", job->domain), LOG_STR("id", job->id),
             LOG_STR("result", fetched->failure), LOG_STR("why", fetched->why));
    if (sts->settings.failed)
        sts->settings.failed(sts->settings.arg, slice_from_cstr(job->domain), fetched->failure,
                             fetched->why);
}

static void on_fetched(void *arg, const struct https_answer *answer)
{
    struct job *job = arg;
    struct sts_fetched fetched = sts_fetch_judge(answer);

    if (fetched.policy)
        keep_policy(job, fetched.policy);
    else
        keep_failure(job, &fetched);
    sts_policy_unref(fetched.policy);
    finish(job, NULL);
}

/* ---- the record ----------------------------------------------------------------------------- */

/* A server that hangs must not hold mail up: the domain has no policy until the next try, as with
 * any other failure (RFC 8461 section 3.3). */
static uint32_t job_patience(const struct sts *sts)
{
    return sts->settings.fetch_ms ? sts->settings.fetch_ms : STS_FETCH_MS;
}

static void fetch(struct job *job)
{
    struct sts *sts = job->sts;
    char *url = sts_fetch_url(slice_from_cstr(job->domain), sts->settings.port);
    const struct https_request request = {
        .url = slice_from_cstr(url), .answer_max = STS_TEXT_MAX, .patience_ms = job_patience(sts)};

    https_ask(sts->settings.https, &request, on_fetched, job);
    free(url);
}

/* NULL when there is one, whose id is job's then; else why there is none, for people. */
static const char *read_record(struct job *job, const struct dns_answer *answer)
{
    struct slice texts[DNS_RECORDS_MAX];
    struct arena arena;
    unsigned n = 0;
    struct slice id;
    int r;

    if (answer->result == DNS_NO_NAME || answer->result == DNS_NO_DATA)
        return "it has no MTA-STS record";
    if (answer->result != DNS_FOUND)
        return "DNS could not tell whether it has an MTA-STS policy";
    arena_init(&arena);
    for (unsigned i = 0; i < answer->n_records && n < DNS_RECORDS_MAX; i++)
        n += dns_read_txt(answer->records[i], &arena, &texts[n]);
    r = sts_record_find(texts, n, &id);
    if (r == STS_RECORD_FOUND)
        snprintf(job->id, sizeof(job->id), "%.*s", SLICE_ARG(id));
    arena_done(&arena);
    if (r == STS_RECORD_NONE)
        return "it has no MTA-STS record";
    return r == STS_RECORD_BAD ? "its MTA-STS record is malformed, or there is more than one"
                               : NULL;
}

static bool is_fetch_due(struct job *job)
{
    struct sts *sts = job->sts;
    uint64_t now = clock_mono_ms();
    struct sts_entry *entry;
    bool due;

    pthread_mutex_lock(&sts->lock);
    entry = sts_table_find(&sts->table, slice_from_cstr(job->domain));
    entry->check_at = now + STS_CHECK_MS;
    due = entry->retry_at <= now &&
          (!sts_entry_is_good(entry) || sts_entry_is_old(entry) || strcmp(entry->id, job->id) != 0);
    pthread_mutex_unlock(&sts->lock);
    return due;
}

static void on_record(void *arg, const struct dns_answer *answer)
{
    struct job *job = arg;
    const char *none = read_record(job, answer);
    bool due = is_fetch_due(job);

    if (!none && due)
        fetch(job);
    else
        finish(job, none);
}

static void start(struct job *job)
{
    char name[DNS_NAME_TEXT_MAX];

    snprintf(name, sizeof(name), "_mta-sts.%s", job->domain);
    dns_ask(job->sts->settings.dns, slice_from_cstr(name), DNS_TXT, job->deadline, on_record, job);
}

/* ---- outside -------------------------------------------------------------------------------- */

/* With the lock held. True: `found` is called later. */
static bool wait_for(struct sts_entry *entry, sts_found *found, void *arg)
{
    struct sts_waiter *waiter;

    if (sts_entry_is_good(entry) || (!entry->busy && entry->retry_at > clock_mono_ms()))
        return false;
    waiter = xcalloc(1, sizeof(*waiter));
    *waiter = (struct sts_waiter){.found = found, .arg = arg};
    LL_PREPEND(entry->waiters, waiter);
    return true;
}

static void ask(struct sts *sts, struct slice domain, uint64_t deadline, sts_found *found,
                void *arg)
{
    uint64_t now = clock_mono_ms();
    struct job *job = NULL;
    struct outcome outcome;
    struct sts_entry *entry;
    bool waits;

    pthread_mutex_lock(&sts->lock);
    entry = sts_table_find(&sts->table, domain);
    if (!entry)
        entry = sts_table_add(&sts->table, domain);
    sts_table_mark_used(&sts->table, entry);
    waits = wait_for(entry, found, arg);
    if (!waits)
        get_outcome(entry, NULL, &outcome);
    if (!entry->busy && (waits || entry->check_at <= now))
        job = new_job(sts, entry, deadline < now + DNS_MS ? deadline : now + DNS_MS);
    pthread_mutex_unlock(&sts->lock);
    if (!waits)
        found(arg, &outcome.answer);
    if (job)
        start(job);
}

void sts_ask(struct sts *sts, struct slice domain, uint64_t deadline, sts_found *found, void *arg)
{
    const struct sts_answer none = {.why = SLICE("its name is no host name")};
    char key[DNS_NAME_TEXT_MAX];

    if (!sts_domain_is_fine(domain)) {
        found(arg, &none);
        return;
    }
    for (size_t i = 0; i < domain.len; i++)
        key[i] = ascii_lower(domain.ptr[i]);
    ask(sts, slice_from(key, domain.len), deadline, found, arg);
}

static bool is_renewed(const struct sts_entry *entry, uint64_t now)
{
    return sts_entry_is_good(entry) && sts_entry_is_old(entry) && entry->check_at <= now &&
           entry->retry_at <= now &&
           entry->used_s + (uint64_t)STS_UNUSED_DAYS * DAY_S > clock_wall_ms() / 1000;
}

void sts_tick(struct sts *sts)
{
    uint64_t now = clock_mono_ms();
    struct sts_entry *entry, *next;
    struct job *jobs = NULL, *job, *next_job;
    char *gone[FORGET_AT_ONCE];
    unsigned n_jobs = 0, n_gone = 0;

    pthread_mutex_lock(&sts->lock);
    HASH_ITER(hh, sts->table.entries, entry, next)
    {
        if (entry->busy)
            continue;
        if (n_jobs < RENEW_AT_ONCE && is_renewed(entry, now)) {
            job = new_job(sts, entry, now + DNS_MS);
            LL_PREPEND(jobs, job);
            n_jobs++;
        } else if (n_gone < FORGET_AT_ONCE && !sts_entry_is_good(entry) && entry->retry_at <= now) {
            gone[n_gone++] = xstrdup(entry->domain);
            sts_table_remove(&sts->table, entry);
        }
    }
    pthread_mutex_unlock(&sts->lock);
    for (unsigned i = 0; i < n_gone; i++)
        drop_file(sts, gone[i]);
    LL_FOREACH_SAFE(jobs, job, next_job)
    {
        start(job);
    }
}

struct sts_numbers sts_numbers(struct sts *sts)
{
    struct sts_numbers numbers;

    pthread_mutex_lock(&sts->lock);
    numbers = sts->numbers;
    numbers.policies = sts->table.n_policies;
    pthread_mutex_unlock(&sts->lock);
    return numbers;
}

static void take_file(void *arg, const struct sts_policy_facts *facts, struct sts_policy *policy)
{
    struct sts *sts = arg;
    struct sts_entry *entry = sts_table_add(&sts->table, facts->domain);
    uint64_t now_s = clock_wall_ms() / 1000;

    (void)sts_table_put(&sts->table, entry, policy);
    sts_policy_unref(policy);
    snprintf(entry->id, sizeof(entry->id), "%.*s", SLICE_ARG(facts->id));
    /* A clock that was ahead must not make a policy last for ever. */
    entry->fetched_s = facts->fetched_s < now_s ? facts->fetched_s : now_s;
    entry->used_s = facts->used_s < now_s ? facts->used_s : now_s;
}

struct sts *sts_new(const struct sts_settings *settings)
{
    struct sts *sts = xcalloc(1, sizeof(*sts));
    int r = 0;

    sts->settings = *settings;
    pthread_mutex_init(&sts->lock, NULL);
    pthread_cond_init(&sts->idle, NULL);
    if (settings->folder >= 0)
        r = sts_file_read_all(settings->folder, take_file, sts);
    if (r < 0)
        log_warn(NULL, "sts-cache-unread", LOG_ERRNO(r));
    sts_table_sort(&sts->table);
    return sts;
}

void sts_free(struct sts *sts)
{
    struct sts_entry *entry, *next;

    if (!sts)
        return;
    pthread_mutex_lock(&sts->lock);
    while (sts->n_busy)
        pthread_cond_wait(&sts->idle, &sts->lock);
    pthread_mutex_unlock(&sts->lock);
    HASH_ITER(hh, sts->table.entries, entry, next)
    {
        sts_table_remove(&sts->table, entry);
    }
    pthread_cond_destroy(&sts->idle);
    pthread_mutex_destroy(&sts->lock);
    free(sts);
}
