/*
 * The scripted resolver. An answer without delay comes before dns_ask() returns; the others wait on
 * a list, from which one thread takes them when their time has come, so that tests of waiting code
 * see time pass as with a slow name server.
 *
 * Invariant: each question is answered once: at once, by the thread when it is due, or DNS_FAILED
 * by it after a stop.
 */
#include "dns/dns_fake.h"

#include "base/clock.h"
#include "io/condition.h"
#include "dns/fake_rdata.h"
#include "dns/resolver.h"

#include <pthread.h>

enum { CNAMES_MAX = 8, TTL_S = 300 };

struct delayed {
    struct delayed *next;
    uint64_t due;
    struct arena arena;
    struct dns_answer answer;
    dns_answered *answered;
    void *arg;
};

struct fake {
    struct dns dns;
    const struct dns_fake_entry *script;
    size_t n_entries;
    /* Guards everything below. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct delayed *delayed;
    pthread_t thread;
    bool started, stopping, quit;
};

static enum dns_type entry_type(const struct dns_fake_entry *entry)
{
    if (entry->address)
        return strchr(entry->address, ':') ? DNS_AAAA : DNS_A;
    return entry->type;
}

static void take_record(const struct dns_fake_entry *entry, struct arena *arena,
                        struct dns_answer *answer)
{
    const char *text = entry->address ? entry->address : entry->data;

    answer->why = slice_from_cstr(entry->why);
    if (!text) {
        answer->result = entry->result == DNS_FOUND ? DNS_NO_DATA : entry->result;
        return;
    }
    answer->result = DNS_FOUND;
    if (answer->n_records < DNS_RECORDS_MAX)
        answer->records[answer->n_records++] = fake_rdata(entry_type(entry), text, arena);
}

static bool is_named(const struct dns_fake_entry *entry, const char *name)
{
    return slice_eq_nocase(slice_from_cstr(entry->name), slice_from_cstr(name));
}

static bool takes_part(const struct dns_fake_entry *entry, enum dns_type type)
{
    enum dns_type is = entry_type(entry);

    return is == 0 || is == type || is == DNS_CNAME;
}

/* What the script says of one name; the target when it is an alias, else NULL. */
static const char *take_name(const struct fake *fake, const char *name, enum dns_type type,
                             struct arena *arena, struct dns_answer *answer, unsigned *delay)
{
    const char *target = NULL;
    enum dns_security absence = DNS_INSECURE;
    bool taken = false;

    answer->result = DNS_NO_NAME;
    for (size_t i = 0; i < fake->n_entries; i++) {
        const struct dns_fake_entry *entry = &fake->script[i];
        if (!is_named(entry, name))
            continue;
        *delay = entry->delay_ms > *delay ? entry->delay_ms : *delay;
        absence = entry->security;
        if (answer->result == DNS_NO_NAME)
            answer->result = DNS_NO_DATA;
        if (!takes_part(entry, type))
            continue;
        taken = true;
        answer->ttl_s = entry->ttl_s ? entry->ttl_s : TTL_S;
        if (answer->security == DNS_SECURE)
            answer->security = entry->security;
        if (entry_type(entry) == DNS_CNAME && type != DNS_CNAME)
            target = entry->data;
        else
            take_record(entry, arena, answer);
    }
    if (!taken && answer->security == DNS_SECURE)
        answer->security = absence;
    return target;
}

static void make_answer(const struct fake *fake, const char *name, enum dns_type type,
                        struct arena *arena, struct dns_answer *answer, unsigned *delay)
{
    *answer = (struct dns_answer){.security = DNS_SECURE, .ttl_s = TTL_S};
    answer->records = arena_alloc(arena, DNS_RECORDS_MAX * sizeof(*answer->records));
    for (unsigned i = 0; i <= CNAMES_MAX; i++) {
        const char *target = take_name(fake, name, type, arena, answer, delay);
        answer->canonical = arena_dup(arena, slice_from_cstr(name));
        if (!target)
            return;
        name = target;
    }
    answer->result = DNS_FAILED;
    answer->why = SLICE("too many CNAMEs");
}

static void delayed_free(struct delayed *delayed)
{
    arena_done(&delayed->arena);
    free(delayed);
}

/* With the lock held: the first that is due, or of a resolver that stops any; else NULL, and when
 * to look again. */
static struct delayed *take_due(struct fake *fake, uint64_t *next)
{
    struct delayed **link = &fake->delayed;

    *next = UINT64_MAX;
    for (; *link; link = &(*link)->next) {
        struct delayed *delayed = *link;
        if (fake->stopping || delayed->due <= clock_mono_ms()) {
            *link = delayed->next;
            return delayed;
        }
        *next = delayed->due < *next ? delayed->due : *next;
    }
    return NULL;
}

static void wait_until(struct fake *fake, uint64_t ms)
{
    const struct timespec until = condition_deadline(ms);

    if (ms == UINT64_MAX)
        pthread_cond_wait(&fake->changed, &fake->lock);
    else
        pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
}

static void *answer_delayed(void *arg)
{
    struct fake *fake = arg;
    uint64_t next;

    pthread_mutex_lock(&fake->lock);
    while (!fake->quit || fake->delayed) {
        struct delayed *delayed = take_due(fake, &next);
        if (!delayed) {
            wait_until(fake, next);
            continue;
        }
        if (fake->stopping)
            delayed->answer.result = DNS_FAILED;
        pthread_mutex_unlock(&fake->lock);
        delayed->answered(delayed->arg, &delayed->answer);
        delayed_free(delayed);
        pthread_mutex_lock(&fake->lock);
    }
    pthread_mutex_unlock(&fake->lock);
    return NULL;
}

/* With the lock held. */
static void put_off(struct fake *fake, struct delayed *delayed)
{
    if (!fake->started && pthread_create(&fake->thread, NULL, answer_delayed, fake) != 0)
        abort();
    fake->started = true;
    delayed->next = fake->delayed;
    fake->delayed = delayed;
    pthread_cond_signal(&fake->changed);
}

static void fake_ask(struct dns *dns, const char *name, enum dns_type type, uint64_t deadline,
                     dns_answered *answered, void *arg)
{
    struct fake *fake = (struct fake *)dns;
    struct delayed *delayed = xcalloc(1, sizeof(*delayed));
    unsigned delay = 0;
    bool wait;

    delayed->answered = answered;
    delayed->arg = arg;
    arena_init(&delayed->arena);
    make_answer(fake, name, type, &delayed->arena, &delayed->answer, &delay);
    delayed->due = clock_mono_ms() + delay;
    if (delay && delayed->due > deadline) {
        delayed->answer = (struct dns_answer){.result = DNS_TIMEOUT};
        delayed->due = deadline;
    }
    pthread_mutex_lock(&fake->lock);
    if (fake->stopping)
        delayed->answer = (struct dns_answer){.result = DNS_FAILED};
    wait = delay && !fake->stopping;
    if (wait)
        put_off(fake, delayed);
    pthread_mutex_unlock(&fake->lock);
    if (wait)
        return;
    dns_count_answer(dns, delayed->answer.result);
    answered(arg, &delayed->answer);
    delayed_free(delayed);
}

static void fake_stop(struct dns *dns)
{
    struct fake *fake = (struct fake *)dns;

    pthread_mutex_lock(&fake->lock);
    fake->stopping = true;
    pthread_cond_signal(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static void fake_free(struct dns *dns)
{
    struct fake *fake = (struct fake *)dns;

    pthread_mutex_lock(&fake->lock);
    fake->stopping = fake->quit = true;
    pthread_cond_signal(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
    if (fake->started)
        pthread_join(fake->thread, NULL);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

struct dns *dns_fake_new(const struct dns_fake_entry *script, size_t n_entries)
{
    static const struct dns_methods methods = {
        .ask = fake_ask, .stop = fake_stop, .free = fake_free};
    struct fake *fake = xcalloc(1, sizeof(*fake));

    *fake = (struct fake){.dns.methods = &methods, .script = script, .n_entries = n_entries};
    pthread_mutex_init(&fake->lock, NULL);
    condition_init(&fake->changed);
    return &fake->dns;
}
