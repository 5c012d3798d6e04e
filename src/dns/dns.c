/*
 * Questions as the rest of the server asks them, whoever answers: names are put into one form, who
 * wants to wait is made to wait, and the two address families are asked for at the same time.
 *
 * IPv6 and IPv4 take turns, so that a host whose IPv6 is broken somewhere on the way is reached at
 * the second try and not after all its IPv6 addresses (the thought behind RFC 8305).
 *
 * A waiter has no clock: the resolver keeps the deadline and answers each question exactly once.
 */
#include "base/clock.h"
#include "dns/name.h"
#include "dns/resolver.h"
#include "io/turns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

const char *dns_result_text(enum dns_result result)
{
    switch (result) {
    case DNS_FOUND:
        return "found";
    case DNS_NO_NAME:
        return "no such name";
    case DNS_NO_DATA:
        return "no such record for this name";
    case DNS_TIMEOUT:
        return "name servers did not answer in time";
    case DNS_FAILED:
        break;
    }
    return "name servers gave no usable answer";
}

void dns_free(struct dns *dns)
{
    if (dns)
        dns->methods->free(dns);
}

struct dns_numbers dns_numbers(struct dns *dns)
{
    return (struct dns_numbers){.asked = atomic_load(&dns->asked),
                                .known = atomic_load(&dns->known),
                                .failed = atomic_load(&dns->failed)};
}

void dns_count_answer(struct dns *dns, enum dns_result result)
{
    if (result == DNS_FAILED || result == DNS_TIMEOUT)
        atomic_fetch_add_explicit(&dns->failed, 1, memory_order_relaxed);
}

void dns_stop(struct dns *dns)
{
    dns->methods->stop(dns);
}

void dns_answer_copy(struct arena *arena, const struct dns_answer *answer,
                     struct dns_answer *ret_answer)
{
    struct dns_answer copy = *answer;

    copy.canonical = arena_dup(arena, answer->canonical);
    copy.why = arena_dup(arena, answer->why);
    copy.records = arena_alloc(arena, (answer->n_records + 1) * sizeof(*copy.records));
    for (unsigned i = 0; i < answer->n_records; i++)
        copy.records[i] = arena_dup(arena, answer->records[i]);
    *ret_answer = copy;
}

void dns_ask(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
             dns_answered *answered, void *arg)
{
    char clean[DNS_NAME_MAX + 1];

    atomic_fetch_add_explicit(&dns->asked, 1, memory_order_relaxed);
    if (!dns_name_clean(name, clean) || !*clean)
        answered(arg, &(struct dns_answer){.result = DNS_NO_NAME, .canonical = name});
    else if (deadline <= clock_mono_ms())
        answered(arg, &(struct dns_answer){.result = DNS_TIMEOUT, .canonical = name});
    else
        dns->methods->ask(dns, clean, type, deadline, answered, arg);
}

/* One thread that waits for some answers. The lock guards all of it, and the arena. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned missing;
    struct arena *arena;
};

struct awaited {
    struct waiter *waiter;
    struct dns_answer *answer;
};

static void on_awaited(void *arg, const struct dns_answer *answer)
{
    struct awaited *awaited = arg;
    struct waiter *waiter = awaited->waiter;

    pthread_mutex_lock(&waiter->lock);
    dns_answer_copy(waiter->arena, answer, awaited->answer);
    if (--waiter->missing == 0)
        pthread_cond_signal(&waiter->changed);
    pthread_mutex_unlock(&waiter->lock);
}

/* The same name with several types. */
static void ask_and_wait(struct dns *dns, struct slice name, const enum dns_type *types, unsigned n,
                         uint64_t deadline, struct arena *arena, struct dns_answer *answers)
{
    struct waiter waiter = {.missing = n, .arena = arena};
    struct awaited awaited[2];

    pthread_mutex_init(&waiter.lock, NULL);
    pthread_cond_init(&waiter.changed, NULL);
    for (unsigned i = 0; i < n; i++) {
        awaited[i] = (struct awaited){.waiter = &waiter, .answer = &answers[i]};
        dns_ask(dns, name, types[i], deadline, on_awaited, &awaited[i]);
    }
    pthread_mutex_lock(&waiter.lock);
    if (waiter.missing)
        turns_give_up();
    while (waiter.missing)
        pthread_cond_wait(&waiter.changed, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_cond_destroy(&waiter.changed);
    pthread_mutex_destroy(&waiter.lock);
}

int dns_lookup(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
               struct arena *arena, struct dns_answer *ret_answer)
{
    ask_and_wait(dns, name, &type, 1, deadline, arena, ret_answer);
    return (int)ret_answer->result;
}

/* The address in the i-th record; false when it is not of the family's size. */
static bool take_address(const struct dns_answer *answer, unsigned i, bool ipv6,
                         struct dns_addresses *addresses)
{
    struct slice rdata = answer->records[i];
    struct dns_address *address = &addresses->list[addresses->count];

    if (rdata.len != (ipv6 ? 16 : 4) || addresses->count == DNS_ADDRESSES_MAX)
        return false;
    address->family = ipv6 ? AF_INET6 : AF_INET;
    memcpy(address->bytes, rdata.ptr, rdata.len);
    addresses->count++;
    return true;
}

/* answers[0] is IPv6's. */
static void merge_records(const struct dns_answer *answers, struct dns_addresses *addresses)
{
    for (unsigned i = 0; i < DNS_RECORDS_MAX; i++) {
        for (unsigned family = 0; family < 2; family++) {
            if (i < answers[family].n_records)
                take_address(&answers[family], i, family == 0, addresses);
        }
    }
}

static void keep_text(char *to, size_t size, struct slice text)
{
    size_t len = text.len < size ? text.len : size - 1;

    if (len)
        memcpy(to, text.ptr, len);
    to[len] = '\0';
}

static bool is_failure(enum dns_result result)
{
    return result == DNS_FAILED || result == DNS_TIMEOUT;
}

/* What is common to both answers; the first has the say where they differ. */
static void merge_facts(const struct dns_answer *answers, struct dns_addresses *addresses)
{
    bool first = true;

    for (unsigned i = 0; i < 2; i++) {
        const struct dns_answer *answer = &answers[i];
        if (is_failure(answer->result) && !addresses->why[0])
            keep_text(addresses->why, sizeof(addresses->why), answer->why);
        if (is_failure(answer->result))
            continue;
        if (first || answer->security != DNS_SECURE)
            addresses->security = answer->security;
        if (first || answer->ttl_s < addresses->ttl_s)
            addresses->ttl_s = answer->ttl_s;
        if (first || answer->result == DNS_FOUND)
            keep_text(addresses->canonical, sizeof(addresses->canonical), answer->canonical);
        first = false;
    }
}

/* Nothing was found: the answer that leaves most hope. */
static enum dns_result worst(enum dns_result a, enum dns_result b)
{
    static const enum dns_result order[] = {DNS_FAILED, DNS_TIMEOUT, DNS_NO_DATA, DNS_FOUND};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (a == order[i] || b == order[i])
            return order[i] == DNS_FOUND ? DNS_NO_DATA : order[i];
    }
    return DNS_NO_NAME;
}

int dns_lookup_addresses(struct dns *dns, struct slice name, uint64_t deadline,
                         struct dns_addresses *ret_addresses)
{
    static const enum dns_type types[] = {DNS_AAAA, DNS_A};
    struct dns_addresses addresses = {0};
    struct dns_answer answers[2];
    struct arena arena;

    arena_init(&arena);
    ask_and_wait(dns, name, types, 2, deadline, &arena, answers);
    merge_records(answers, &addresses);
    merge_facts(answers, &addresses);
    *ret_addresses = addresses;
    arena_done(&arena);
    if (addresses.count)
        return DNS_FOUND;
    return (int)worst(answers[0].result, answers[1].result);
}
