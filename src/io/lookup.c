/*
 * Waiting threads stand in a list, each with its own condition; answers are matched by number. The
 * cache is a table of fixed size in which a new answer takes the place of an older one; its locks
 * are many, so that sessions do not meet there. See lookup.h.
 *
 * When the answer about a busy mailbox grows old, one thread asks anew and the others go on with
 * the old one meanwhile. RESOLVE_LATER is never cached.
 */
#include "io/lookup.h"

#include "base/clock.h"
#include "io/channel.h"
#include "io/turns.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum {
    SHARDS = 32,
    SHARD_ENTRIES = 64,
    CACHE_MS = 1000,
    SEND_MS = 1000,
    RETRY_MS = 10,
    PLACE_MS = 5000
};

struct entry {
    char *address; /* NULL: empty */
    size_t len;
    uint64_t expires_ms;
    bool renewed; /* somebody is asking anew */
    enum resolve_status status;
};

struct shard {
    pthread_mutex_t lock; /* guards the entries */
    struct entry entries[SHARD_ENTRIES];
};

struct waiter {
    struct waiter *next;
    uint64_t request;
    pthread_cond_t answered;
    enum resolve_status status; /* 0: not yet */
};

struct lookup {
    struct lookup_options options;
    pthread_mutex_t lock; /* guards what follows */
    struct waiter *waiters;
    unsigned n_waiters;
    pthread_cond_t place; /* one of them has left */
    uint64_t last_request;
    struct shard shards[SHARDS];
};

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct lookup *lookup_new(const struct lookup_options *options)
{
    struct lookup *lookup = xcalloc(1, sizeof(*lookup));

    lookup->options = *options;
    pthread_mutex_init(&lookup->lock, NULL);
    init_condition(&lookup->place);
    for (unsigned i = 0; i < SHARDS; i++)
        pthread_mutex_init(&lookup->shards[i].lock, NULL);
    return lookup;
}

void lookup_free(struct lookup *lookup)
{
    if (!lookup)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        for (unsigned j = 0; j < SHARD_ENTRIES; j++)
            free(lookup->shards[i].entries[j].address);
        pthread_mutex_destroy(&lookup->shards[i].lock);
    }
    pthread_mutex_destroy(&lookup->lock);
    pthread_cond_destroy(&lookup->place);
    free(lookup);
}

static struct entry *find_entry(struct lookup *lookup, struct slice address,
                                struct shard **ret_shard)
{
    uint64_t hash = slice_hash(address);

    *ret_shard = &lookup->shards[hash % SHARDS];
    return &(*ret_shard)->entries[hash / SHARDS % SHARD_ENTRIES];
}

/* 0 when it is not there. */
static enum resolve_status look_up(struct lookup *lookup, struct slice address)
{
    struct shard *shard;
    struct entry *entry = find_entry(lookup, address, &shard);
    enum resolve_status status = 0;

    pthread_mutex_lock(&shard->lock);
    if (entry->address && slice_eq(slice_from(entry->address, entry->len), address)) {
        uint64_t now = clock_mono_ms();
        bool fresh = now < entry->expires_ms;
        if (fresh || (entry->renewed && now < entry->expires_ms + CACHE_MS))
            status = entry->status;
        else
            entry->renewed = true;
    }
    pthread_mutex_unlock(&shard->lock);
    return status;
}

static void remember(struct lookup *lookup, struct slice address, enum resolve_status status)
{
    struct shard *shard;
    struct entry *entry = find_entry(lookup, address, &shard);
    struct entry fresh = {.address = xslicedup(address),
                          .len = address.len,
                          .expires_ms = clock_mono_ms() + CACHE_MS,
                          .status = status};

    pthread_mutex_lock(&shard->lock);
    free(entry->address);
    *entry = fresh;
    pthread_mutex_unlock(&shard->lock);
}

static bool send_question(struct lookup *lookup, uint64_t request, struct slice address)
{
    struct msg_resolve question = {.request = request, .address = address};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_resolve_encode(&out, &question);
    r = out.overflow ? -EMSGSIZE : lookup->options.send(lookup->options.arg, buf_slice(&out));
    /* Auth is starting (again), or has a lot to read: that is over soon, or is a real trouble. */
    for (unsigned ms = 0; (r == -ENOTCONN || r == -EAGAIN) && ms < SEND_MS; ms += RETRY_MS) {
        usleep(RETRY_MS * 1000);
        r = lookup->options.send(lookup->options.arg, buf_slice(&out));
    }
    buf_done(&out);
    return r == 0;
}

/* With the lock held. */
static void remove_waiter(struct lookup *lookup, struct waiter *waiter)
{
    struct waiter **link = &lookup->waiters;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    lookup->n_waiters--;
}

static struct timespec time_in(unsigned ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* With the lock held. A crowd that comes at once gets its turn when auth is well. */
static bool take_place(struct lookup *lookup)
{
    struct timespec until = time_in(PLACE_MS);

    while (lookup->n_waiters >= lookup->options.waiting_max) {
        turns_give_up();
        if (lookup->options.waiting_max == 0 ||
            pthread_cond_timedwait(&lookup->place, &lookup->lock, &until) != 0)
            return false;
    }
    return true;
}

/* With the lock held, which is given up while sending and waiting. */
static void ask_and_wait(struct lookup *lookup, struct waiter *waiter, struct slice address)
{
    struct timespec until = time_in(lookup->options.timeout_ms);
    bool sent;

    waiter->request = ++lookup->last_request;
    waiter->next = lookup->waiters;
    lookup->waiters = waiter;
    lookup->n_waiters++;
    pthread_mutex_unlock(&lookup->lock);
    sent = send_question(lookup, waiter->request, address);
    pthread_mutex_lock(&lookup->lock);
    turns_give_up();
    while (sent && !waiter->status) {
        if (pthread_cond_timedwait(&waiter->answered, &lookup->lock, &until) != 0)
            break;
    }
    remove_waiter(lookup, waiter);
}

static enum resolve_status ask_auth(struct lookup *lookup, struct slice address)
{
    struct waiter waiter = {.status = 0};
    bool crowded;

    init_condition(&waiter.answered);
    pthread_mutex_lock(&lookup->lock);
    crowded = lookup->n_waiters >= lookup->options.waiting_max;
    if (take_place(lookup)) {
        /* While we stood in the crowd, somebody may have asked the same. */
        if (crowded)
            waiter.status = look_up(lookup, address);
        if (!waiter.status)
            ask_and_wait(lookup, &waiter, address);
    }
    /* Whoever was woken for the place wakes the next, also when it did not need the place. */
    pthread_cond_signal(&lookup->place);
    pthread_mutex_unlock(&lookup->lock);
    pthread_cond_destroy(&waiter.answered);
    return waiter.status ? waiter.status : RESOLVE_LATER;
}

enum resolve_status lookup_ask(struct lookup *lookup, struct slice address)
{
    enum resolve_status status = look_up(lookup, address);

    if (status)
        return status;
    status = ask_auth(lookup, address);
    if (status != RESOLVE_LATER)
        remember(lookup, address, status);
    return status;
}

static void give_answer(struct lookup *lookup, uint64_t request, enum resolve_status status)
{
    pthread_mutex_lock(&lookup->lock);
    for (struct waiter *waiter = lookup->waiters; waiter; waiter = waiter->next) {
        if (waiter->request != request && request != 0)
            continue;
        waiter->status = status;
        pthread_cond_signal(&waiter->answered);
    }
    pthread_mutex_unlock(&lookup->lock);
}

void lookup_answer(struct lookup *lookup, struct slice payload)
{
    struct msg_resolved answer;
    struct arena arena;

    arena_init(&arena);
    if (msg_resolved_decode(payload, &arena, &answer) == 0 && answer.request != 0)
        give_answer(lookup, answer.request, answer.status);
    arena_done(&arena);
}

void lookup_lost(struct lookup *lookup)
{
    give_answer(lookup, 0, RESOLVE_LATER);
}

void lookup_close(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    lookup->options.waiting_max = 0;
    pthread_cond_broadcast(&lookup->place);
    pthread_mutex_unlock(&lookup->lock);
    lookup_lost(lookup);
}
