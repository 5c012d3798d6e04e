/*
 * Questions on their way, those that wait for a directory, and the memory that makes it fast. See
 * resolve.h; what an address means is meaning.c's.
 *
 * A question that is answered at once costs no memory of its own: it runs in a spare job, which is
 * used again. One that waits goes into the list of those under way, in the order of their
 * deadlines, and the next question gets a new job.
 *
 * Answers are cached as long as directories_generation() stays the same. Not cached are an answer
 * that depends on `via`, a failure, and what stands on a fleeting directory.
 */
#include "account/resolve.h"

#include "account/cache.h"
#include "account/full.h"
#include "account/meaning.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

struct job {
    struct walk walk; /* first: see job_of() */
    struct job *prev, *next;
    struct resolver *resolver;
    unsigned asker;
    bool under_way; /* in the list; `request` is from the walk's arena */
    struct msg_resolve request;
    uint64_t deadline_ms;
};

struct resolver {
    struct config *config;
    struct directories *directories;
    resolver_on_answer *on_answer;
    void *arg;
    struct cache *cache;
    uint64_t generation; /* of what is cached */
    struct full *full;
    struct srs srs;
    struct job *spare;     /* or NULL */
    struct job *under_way; /* oldest first */
    size_t n_under_way;
    struct loop_timer *deadline;
    struct resolver_counts counts;
};

static void run(struct job *job);
static void on_deadline(void *arg);

static struct job *job_of(struct walk *walk)
{
    return (struct job *)(void *)walk;
}

static void go_on(struct walk *walk)
{
    run(job_of(walk));
}

enum { DAY_MS = 24 * 3600 * 1000 };

static void set_srs_age(struct resolver *resolver)
{
    resolver->srs.max_age_days = (unsigned)(resolver->config->srs.max_age_ms / DAY_MS);
}

struct resolver *account_resolver_new(struct config *config, struct directories *directories,
                                      struct loop *loop, resolver_on_answer *on_answer, void *arg)
{
    struct resolver *resolver = xcalloc(1, sizeof(*resolver));

    resolver->config = config_ref(config);
    resolver->directories = directories;
    resolver->on_answer = on_answer;
    resolver->arg = arg;
    resolver->cache = cache_new();
    resolver->full = full_new();
    set_srs_age(resolver);
    resolver->deadline = loop_timer(loop, on_deadline, resolver);
    return resolver;
}

static struct job *take_spare(struct resolver *resolver)
{
    struct job *job = resolver->spare;

    resolver->spare = NULL;
    if (job)
        return job;
    job = xcalloc(1, sizeof(*job));
    walk_init(&job->walk, go_on);
    job->resolver = resolver;
    return job;
}

static void leave_list(struct job *job)
{
    if (!job->under_way)
        return;
    DL_DELETE(job->resolver->under_way, job);
    job->resolver->n_under_way--;
    job->under_way = false;
}

static void end_job(struct job *job)
{
    struct resolver *resolver = job->resolver;

    leave_list(job);
    if (resolver->spare) {
        walk_done(&job->walk);
        free(job);
        return;
    }
    walk_reset(&job->walk);
    resolver->spare = job;
}

void account_resolver_free(struct resolver *resolver)
{
    while (resolver->under_way)
        end_job(resolver->under_way);
    if (resolver->spare) {
        walk_done(&resolver->spare->walk);
        free(resolver->spare);
    }
    loop_timer_free(resolver->deadline);
    config_unref(resolver->config);
    cache_free(resolver->cache);
    full_free(resolver->full);
    srs_take_secrets(&resolver->srs, SLICE_NULL); /* wipes them */
    free(resolver);
}

/* Of a question about `sender` too: no address holds a NUL. */
static struct slice cache_key(struct job *job)
{
    const struct msg_resolve *request = &job->request;

    if (request->sender.len == 0)
        return request->address;
    return arena_printf(&job->walk.arena, "%.*s%c%.*s", SLICE_ARG(request->sender), '\0',
                        SLICE_ARG(request->address));
}

static void remember(struct job *job, const struct msg_resolved *answer)
{
    struct buf stored;

    if (job->request.via.len || job->walk.fleeting || answer->status == RESOLVE_LATER)
        return;
    buf_init(&stored, CACHE_ENTRY_MAX);
    msg_resolved_encode(&stored, answer);
    if (!stored.overflow)
        cache_put(job->resolver->cache, cache_key(job), buf_slice(&stored));
    buf_done(&stored);
}

static bool find_cached(struct job *job, struct msg_resolved *ret_answer)
{
    struct resolver *resolver = job->resolver;
    uint64_t generation = directories_generation(resolver->directories, clock_mono_ms());
    struct slice stored;

    if (generation != resolver->generation)
        cache_clear(resolver->cache);
    resolver->generation = generation;
    /* The cache may forget it before the answer is used. */
    return job->request.via.len == 0 && cache_get(resolver->cache, cache_key(job), &stored) &&
           msg_resolved_decode(arena_dup(&job->walk.arena, stored), &job->walk.arena, ret_answer) ==
               0;
}

/* Ends the job. */
static void give_answer(struct job *job, struct msg_resolved *answer)
{
    struct resolver *resolver = job->resolver;

    leave_list(job);
    answer->request = job->request.request;
    if (answer->status == RESOLVE_LOCAL &&
        full_is(resolver->full, answer->account, clock_mono_ms())) {
        answer->status = RESOLVE_FULL;
        answer->text = SLICE("the mailbox is over its quota");
    }
    resolver->on_answer(resolver->arg, job->asker, answer);
    end_job(job);
}

static void give_up(struct job *job, const char *why)
{
    struct msg_resolved answer = {.status = RESOLVE_LATER, .text = slice_from_cstr(why)};

    job->resolver->counts.failed++;
    give_answer(job, &answer);
}

/* Its directory has not answered yet: everything it needs then must outlive the caller. */
static void let_wait(struct job *job)
{
    struct resolver *resolver = job->resolver;
    struct arena *arena = &job->walk.arena;

    if (job->under_way)
        return;
    job->request.address = arena_dup(arena, job->request.address);
    job->request.via = arena_dup(arena, job->request.via);
    job->request.sender = arena_dup(arena, job->request.sender);
    job->deadline_ms = clock_mono_ms() + RESOLVER_PATIENCE_MS;
    job->under_way = true;
    if (!resolver->under_way)
        loop_timer_arm(resolver->deadline, job->deadline_ms);
    DL_APPEND(resolver->under_way, job);
    resolver->n_under_way++;
}

static void run(struct job *job)
{
    struct resolver *resolver = job->resolver;
    const struct meaning meaning = {.walk = &job->walk,
                                    .config = resolver->config,
                                    .directories = resolver->directories,
                                    .srs = &resolver->srs,
                                    .days = (uint32_t)(clock_wall_ms() / DAY_MS)};
    struct msg_resolved answer;

    directories_read_begin(resolver->directories);
    if (job->request.sender.len)
        meaning_of_sender(&meaning, &job->request, &answer);
    else
        meaning_of_address(&meaning, &job->request, &answer);
    directories_read_end(resolver->directories);
    if (!answer.status && (job->under_way || resolver->n_under_way < RESOLVER_UNDER_WAY_MAX)) {
        let_wait(job);
    } else if (!answer.status) {
        give_up(job, "too many questions wait for a directory");
    } else {
        resolver->counts.failed += answer.status == RESOLVE_LATER;
        remember(job, &answer);
        give_answer(job, &answer);
    }
}

static void on_deadline(void *arg)
{
    struct resolver *resolver = arg;
    uint64_t now_ms = clock_mono_ms();

    while (resolver->under_way && resolver->under_way->deadline_ms <= now_ms)
        give_up(resolver->under_way, "the directory has not answered in time");
    if (resolver->under_way)
        loop_timer_arm(resolver->deadline, resolver->under_way->deadline_ms);
}

void resolver_resolve(struct resolver *resolver, unsigned asker, const struct msg_resolve *request)
{
    struct job *job = take_spare(resolver);
    struct msg_resolved answer;

    job->asker = asker;
    job->request = *request;
    resolver->counts.asked++;
    if (find_cached(job, &answer)) {
        resolver->counts.from_cache++;
        give_answer(job, &answer);
    } else {
        run(job);
    }
}

void resolver_forget(struct resolver *resolver, unsigned asker)
{
    struct job *job, *next;

    DL_FOREACH_SAFE(resolver->under_way, job, next)
    {
        if (job->asker == asker)
            end_job(job);
    }
}

void resolver_set_config(struct resolver *resolver, struct config *config)
{
    struct config *old = resolver->config;

    while (resolver->under_way)
        give_up(resolver->under_way, "the configuration has just changed");
    resolver->config = config_ref(config);
    config_unref(old);
    set_srs_age(resolver);
    cache_clear(resolver->cache);
}

void resolver_take_srs_secrets(struct resolver *resolver, struct slice text)
{
    srs_take_secrets(&resolver->srs, text);
}

void resolver_usage(struct resolver *resolver, const struct msg_usage *usage)
{
    if (usage->full)
        full_note(resolver->full, usage->account, clock_mono_ms());
    else
        full_forget(resolver->full, usage->account);
}

struct resolver_counts resolver_counts(const struct resolver *resolver)
{
    struct resolver_counts counts = resolver->counts;

    counts.under_way = resolver->n_under_way;
    return counts;
}

size_t resolver_full_count(const struct resolver *resolver)
{
    return full_count(resolver->full, clock_mono_ms());
}
