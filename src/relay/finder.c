/*
 * The finder's table: an entry for each (route, domain), in the order in which they came.
 *
 * - An entry is waiting for its search, being searched for, or known. Who asks for one that is not
 *   known becomes a waiter of it, so a domain is searched for once however many ask.
 * - Searches are touched by the loop's thread alone, without the lock. Answers come on threads of
 *   the resolver's, maybe while the loop's thread is asking, and go to the inbox, which has a lock
 *   of its own that is held for nothing else.
 * - A search that is over may still have answers on their way; it is freed with the last one.
 * - An entry belongs to the configuration that its asker had, and holds it, so that an attempt of
 *   before a reload neither sees nor leaves what is not its own.
 */
#include "relay/finder.h"

#include "base/clock.h"
#include "io/condition.h"
#include "relay/search.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

enum { DOMAIN_MAX = 1024 };

struct waiter {
    struct waiter *next;
    struct finding finding;
    bool done;
    finder_found *found; /* NULL: a thread, which owns this struct and waits for `done` */
    void *arg;
};

struct entry {
    UT_hash_handle hh;
    struct search *search; /* NULL: known */
    struct entry *next_waiting;
    struct config *config; /* a part of the key */
    struct finding finding;
    struct waiter *waiters;
    size_t key_len;
    char key[];
};

struct finder {
    struct search_tools tools;
    uint64_t interfaces_at; /* when they are to be read again */
    void (*wake)(void *arg);
    void *arg;
    pthread_mutex_t inbox_lock; /* guards the inbox */
    struct search_answer *inbox;
    pthread_mutex_t lock; /* guards the rest, but for the insides of searches */
    pthread_cond_t known; /* a waiter is done */
    struct entry *entries;
    struct entry *waiting, **waiting_last;
    struct finder_numbers numbers;
    bool stopping;
};

static void take_answer(void *arg, struct search_answer *answer)
{
    struct finder *finder = arg;
    bool was_empty;

    pthread_mutex_lock(&finder->inbox_lock);
    was_empty = !finder->inbox;
    answer->next = finder->inbox;
    finder->inbox = answer;
    pthread_mutex_unlock(&finder->inbox_lock);
    if (was_empty)
        finder->wake(finder->arg);
}

/* On the loop's thread, as the searches that look at them. */
static void read_interfaces(struct finder *finder)
{
    own_hosts_read(&finder->tools.own);
    finder->interfaces_at = clock_mono_ms() + FINDER_INTERFACES_MS;
}

struct finder *finder_new(struct dns *dns, struct sts *sts, struct tlsrpt *tlsrpt,
                          void (*wake)(void *arg), void *arg)
{
    struct finder *finder = xcalloc(1, sizeof(*finder));

    finder->tools = (struct search_tools){
        .dns = dns, .sts = sts, .tlsrpt = tlsrpt, .post = take_answer, .arg = finder};
    read_interfaces(finder);
    finder->wake = wake;
    finder->arg = arg;
    finder->waiting_last = &finder->waiting;
    pthread_mutex_init(&finder->inbox_lock, NULL);
    pthread_mutex_init(&finder->lock, NULL);
    condition_init(&finder->known);
    return finder;
}

static void entry_free(struct finder *finder, struct entry *entry)
{
    HASH_DEL(finder->entries, entry);
    finding_done(&entry->finding);
    config_unref(entry->config);
    free(entry);
}

/* The search ends with its last answer. */
static void leave_search(struct search *search)
{
    search_abandon(search);
    if (search_is_quiet(search))
        search_free(search);
}

/* Forgets the oldest that is known. False: there is none. With the lock held. */
static bool make_room(struct finder *finder)
{
    struct entry *entry, *next;

    if (HASH_COUNT(finder->entries) < FINDER_ENTRIES_MAX)
        return true;
    HASH_ITER(hh, finder->entries, entry, next)
    {
        if (!entry->search) {
            entry_free(finder, entry);
            return true;
        }
    }
    return false;
}

static size_t make_key(char *key, const struct config *config, const struct config_route *route,
                       struct slice domain)
{
    size_t len = 0;

    memcpy(key, &config, sizeof(config));
    len += sizeof(config);
    memcpy(key + len, &route, sizeof(route));
    len += sizeof(route);
    for (size_t i = 0; i < domain.len; i++)
        key[len++] = ascii_lower(domain.ptr[i]);
    return len;
}

/* With the lock held. NULL: no room. */
static struct entry *entry_new(struct finder *finder, struct config *config, const char *key,
                               size_t key_len)
{
    struct entry *entry;

    if (!make_room(finder))
        return NULL;
    entry = xcalloc(1, sizeof(*entry) + key_len);
    entry->config = config_ref(config);
    entry->key_len = key_len;
    memcpy(entry->key, key, key_len);
    HASH_ADD_KEYPTR(hh, finder->entries, entry->key, key_len, entry);
    return entry;
}

/* The entry of the question: known and fresh, or with a search. With the lock held. NULL: no
 * room. */
static struct entry *find_entry(struct finder *finder, struct config *config,
                                const struct config_route *route, struct slice domain)
{
    char key[2 * sizeof(void *) + DOMAIN_MAX];
    size_t key_len = make_key(key, config, route, domain);
    struct entry *entry;

    HASH_FIND(hh, finder->entries, key, key_len, entry);
    if (entry && !entry->search && entry->finding.until_ms <= clock_mono_ms()) {
        entry_free(finder, entry);
        entry = NULL;
    }
    if (entry)
        return entry;
    entry = entry_new(finder, config, key, key_len);
    if (!entry)
        return NULL;
    if (!route->mx) {
        entry->finding = finding_found(destination_of_route(route), FINDING_MOST_MS);
        return entry;
    }
    entry->search = search_new(&finder->tools, config, route, domain, entry);
    *finder->waiting_last = entry;
    finder->waiting_last = &entry->next_waiting;
    finder->numbers.waiting++;
    return entry;
}

static struct finding put_off(const char *why)
{
    return finding_refused(SITE_LATER, "4.3.2", FINDING_LEAST_MS, "%s", why);
}

/* What can be told at once. With the lock held. False: *ret_entry has a search. */
static bool look_up(struct finder *finder, struct config *config, const struct config_route *route,
                    struct slice domain, struct finding *ret_finding, struct entry **ret_entry)
{
    if (!route->mx)
        domain = SLICE_NULL;
    if (finder->stopping)
        *ret_finding = put_off("the server is stopping");
    else if (domain.len > DOMAIN_MAX)
        *ret_finding =
            finding_refused(SITE_NEVER, "5.1.2", FINDING_LEAST_MS, "the domain's name is too long");
    else if (!(*ret_entry = find_entry(finder, config, route, domain)))
        *ret_finding = put_off("too many domains are being looked up");
    else if (!(*ret_entry)->search)
        *ret_finding = finding_copy(&(*ret_entry)->finding);
    else
        return false;
    return true;
}

static void add_waiter(struct entry *entry, struct waiter *waiter)
{
    waiter->next = entry->waiters;
    entry->waiters = waiter;
}

/* Hands the finding to threads; those that are to be called come back as a list. With the lock
 * held. */
static struct waiter *serve_waiters(struct finder *finder, struct entry *entry)
{
    struct waiter *waiter = entry->waiters, *to_call = NULL;

    entry->waiters = NULL;
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->finding = finding_copy(&entry->finding);
        waiter->done = true;
        if (waiter->found) {
            waiter->next = to_call;
            to_call = waiter;
        }
        waiter = next;
    }
    pthread_cond_broadcast(&finder->known);
    return to_call;
}

static void call_waiters(struct waiter *waiter)
{
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->found(waiter->arg, &waiter->finding);
        finding_done(&waiter->finding);
        free(waiter);
        waiter = next;
    }
}

/* After each step of a search. */
static void look_at(struct finder *finder, struct search *search)
{
    const struct finding *finding = search_finding(search);
    struct entry *entry = search_owner(search);
    struct waiter *to_call;

    if (!entry) {
        if (search_is_quiet(search))
            search_free(search);
        return;
    }
    if (!finding)
        return;
    pthread_mutex_lock(&finder->lock);
    entry->finding = finding_copy(finding);
    entry->search = NULL;
    finder->numbers.searching--;
    to_call = serve_waiters(finder, entry);
    pthread_mutex_unlock(&finder->lock);
    leave_search(search);
    call_waiters(to_call);
}

static struct search_answer *take_inbox(struct finder *finder)
{
    struct search_answer *all;

    pthread_mutex_lock(&finder->inbox_lock);
    all = finder->inbox;
    finder->inbox = NULL;
    pthread_mutex_unlock(&finder->inbox_lock);
    return all;
}

static void take_answers(struct finder *finder)
{
    struct search_answer *answer = take_inbox(finder);

    while (answer) {
        struct search_answer *next = answer->next;
        struct search *search = answer->search;
        search_take(search, answer);
        look_at(finder, search);
        answer = next;
    }
}

static struct entry *next_to_begin(struct finder *finder)
{
    struct entry *entry = NULL;

    pthread_mutex_lock(&finder->lock);
    if (finder->waiting && finder->numbers.searching < FINDER_SEARCHES_MAX) {
        entry = finder->waiting;
        finder->waiting = entry->next_waiting;
        if (!finder->waiting)
            finder->waiting_last = &finder->waiting;
        entry->next_waiting = NULL;
        finder->numbers.waiting--;
        finder->numbers.searching++;
    }
    pthread_mutex_unlock(&finder->lock);
    return entry;
}

void finder_run(struct finder *finder)
{
    struct entry *entry;

    take_answers(finder);
    while ((entry = next_to_begin(finder))) {
        struct search *search = entry->search;
        if (clock_mono_ms() >= finder->interfaces_at)
            read_interfaces(finder);
        search_start(search);
        look_at(finder, search);
    }
}

void finder_ask(struct finder *finder, struct config *config, const struct config_route *route,
                struct slice domain, finder_found *found, void *arg)
{
    struct finding finding;
    struct entry *entry;
    bool known;

    pthread_mutex_lock(&finder->lock);
    known = look_up(finder, config, route, domain, &finding, &entry);
    if (!known) {
        struct waiter *waiter = xcalloc(1, sizeof(*waiter));
        waiter->found = found;
        waiter->arg = arg;
        add_waiter(entry, waiter);
    }
    pthread_mutex_unlock(&finder->lock);
    if (known) {
        found(arg, &finding);
        finding_done(&finding);
    } else {
        finder->wake(finder->arg);
    }
}

/* With the lock held, and given up while it waits. */
static void wait_for(struct finder *finder, struct entry *entry, struct waiter *waiter,
                     uint64_t deadline)
{
    struct timespec until = condition_deadline(deadline);
    int r = 0;

    add_waiter(entry, waiter);
    while (!waiter->done && !finder->stopping && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&finder->known, &finder->lock, &until);
    if (waiter->done)
        return;
    for (struct waiter **link = &entry->waiters; *link; link = &(*link)->next) {
        if (*link == waiter) {
            *link = waiter->next;
            break;
        }
    }
    waiter->finding = put_off(finder->stopping ? "the server is stopping"
                                               : "its mail servers were not found in time");
}

struct finding finder_wait(struct finder *finder, struct config *config,
                           const struct config_route *route, struct slice domain, uint64_t deadline)
{
    struct waiter waiter = {0};
    struct entry *entry;

    pthread_mutex_lock(&finder->lock);
    if (!look_up(finder, config, route, domain, &waiter.finding, &entry)) {
        finder->wake(finder->arg);
        wait_for(finder, entry, &waiter, deadline);
    }
    pthread_mutex_unlock(&finder->lock);
    return waiter.finding;
}

void finder_stop(struct finder *finder)
{
    pthread_mutex_lock(&finder->lock);
    finder->stopping = true;
    pthread_cond_broadcast(&finder->known);
    pthread_mutex_unlock(&finder->lock);
}

void finder_forget(struct finder *finder)
{
    struct entry *entry, *next;

    read_interfaces(finder);
    pthread_mutex_lock(&finder->lock);
    HASH_ITER(hh, finder->entries, entry, next)
    {
        if (!entry->search)
            entry_free(finder, entry);
    }
    pthread_mutex_unlock(&finder->lock);
}

struct finder_numbers finder_numbers(struct finder *finder)
{
    struct finder_numbers numbers;

    pthread_mutex_lock(&finder->lock);
    numbers = finder->numbers;
    numbers.known = HASH_COUNT(finder->entries) - numbers.searching - numbers.waiting;
    pthread_mutex_unlock(&finder->lock);
    return numbers;
}

void finder_free(struct finder *finder)
{
    struct entry *entry, *next;

    HASH_ITER(hh, finder->entries, entry, next)
    {
        if (entry->search) {
            entry->finding = put_off("the server is stopping");
            leave_search(entry->search);
        }
        call_waiters(serve_waiters(finder, entry));
        entry_free(finder, entry);
    }
    take_answers(finder);
    own_hosts_done(&finder->tools.own);
    pthread_cond_destroy(&finder->known);
    pthread_mutex_destroy(&finder->lock);
    pthread_mutex_destroy(&finder->inbox_lock);
    free(finder);
}
