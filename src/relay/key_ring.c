/*
 * The ring: keys by domain, and when each is to be looked for in the DNS. See key_ring.h.
 *
 * The loop's thread owns all but what the lock guards: the table, which attempts read to choose
 * (short list work, nothing more), and the list of answers, which the resolver's threads fill. A
 * new list of keys replaces the table as a whole; what the DNS has shown of a key that is still the
 * same is kept.
 */
#include "relay/key_ring.h"

#include "base/clock.h"
#include "base/log.h"
#include "mail/address.h"
#include "relay/key_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <utlist.h>

enum {
    DNS_MS = 5 * 1000, /* nobody waits for the answer, and there is a next time */
    QUESTIONS_MAX = 8, /* at a time */
    SEEN_AGAIN_MS = 60 * 60 * 1000,
    UNSEEN_AGAIN_MS = 60 * 1000,
    FAILED_AGAIN_MS = 5 * 60 * 1000, /* of one that was seen */
    TELL_AGAIN_MS = 1000,
};

enum look { LOOK_SEEN, LOOK_UNSEEN, LOOK_FAILED };

/* One question to the DNS; afterwards its answer. */
struct question {
    struct question *next;
    struct key_ring *ring;
    char *domain, *selector, *record;
    enum look look;
    const char *why; /* not seen, or not known; static */
};

struct key_ring {
    struct role_context *role;
    struct dns *dns;
    struct loop_timer *timer;
    struct key_table *coming; /* a list that has not ended yet, or NULL */
    unsigned n_asking;
    pthread_mutex_t lock;    /* guards the rest */
    struct key_table *table; /* written by the loop's thread alone */
    struct question *answers;
};

static void on_time(void *arg);

struct key_ring *key_ring_new(struct role_context *role, struct dns *dns)
{
    struct key_ring *ring = xcalloc(1, sizeof(*ring));

    ring->role = role;
    ring->dns = dns;
    ring->timer = loop_timer(role->loop, on_time, ring);
    ring->table = key_table_new();
    pthread_mutex_init(&ring->lock, NULL);
    return ring;
}

static void free_question(struct question *question)
{
    free(question->domain);
    free(question->selector);
    free(question->record);
    free(question);
}

void key_ring_free(struct key_ring *ring)
{
    struct question *question, *next;

    if (!ring)
        return;
    LL_FOREACH_SAFE(ring->answers, question, next)
    free_question(question);
    loop_timer_free(ring->timer);
    key_table_free(ring->table);
    key_table_free(ring->coming);
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

/* ---- asking --------------------------------------------------------------------------------- */

/* Is the record among those of the name? A key that is published twice, or beside another text, is
 * as good as found: a verifier that takes the wrong one first is free to. */
static enum look judge(const struct question *question, const struct dns_answer *answer,
                       const char **ret_why)
{
    const struct slice ours = slice_from_cstr(question->record);
    enum look look = LOOK_UNSEEN;
    struct arena arena;

    if (answer->result != DNS_FOUND) {
        *ret_why = dns_result_text(answer->result);
        return answer->result == DNS_NO_NAME || answer->result == DNS_NO_DATA ? LOOK_UNSEEN
                                                                              : LOOK_FAILED;
    }
    *ret_why = "the record in the DNS is not of this key";
    arena_init(&arena);
    for (unsigned i = 0; i < answer->n_records && look != LOOK_SEEN; i++) {
        struct slice text;
        if (dns_read_txt(answer->records[i], &arena, &text) && dkim_key_matches(text, ours))
            look = LOOK_SEEN;
    }
    arena_done(&arena);
    return look;
}

/* On a thread of the resolver's. */
static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct question *question = arg;
    struct key_ring *ring = question->ring;

    question->look = judge(question, answer, &question->why);
    pthread_mutex_lock(&ring->lock);
    LL_PREPEND(ring->answers, question);
    pthread_mutex_unlock(&ring->lock);
    loop_wake(ring->role->loop);
}

static void ask(struct key_ring *ring, struct ring_key *key, uint64_t now)
{
    struct question *question = xcalloc(1, sizeof(*question));
    struct arena arena;

    question->ring = ring;
    question->domain = xslicedup(key->domain);
    question->selector = xslicedup(key->selector);
    question->record = xslicedup(key->record);
    key->asking = true;
    key->look_at = UINT64_MAX; /* unless somebody wants it sooner, meanwhile */
    ring->n_asking++;
    arena_init(&arena);
    dns_ask(ring->dns,
            arena_printf(&arena, "%.*s._domainkey.%.*s", SLICE_ARG(key->selector),
                         SLICE_ARG(key->domain)),
            DNS_TXT, now + DNS_MS, on_answer, question);
    arena_done(&arena);
}

/* ---- answers -------------------------------------------------------------------------------- */

/* A tenth more or less, so that not all are due in the same minute of each hour. */
static uint64_t spread(const struct ring_key *key, uint64_t ms)
{
    return ms - ms / 10 + slice_hash(key->record) % (ms / 5);
}

static void set_seen(struct key_ring *ring, struct ring_key *key, bool seen, const char *why)
{
    if (key->seen == seen)
        return;
    pthread_mutex_lock(&ring->lock);
    key->seen = seen;
    pthread_mutex_unlock(&ring->lock);
    if (seen)
        log_info(NULL, "dkim-key-seen", LOG_SLICE("domain", key->domain),
                 LOG_SLICE("selector", key->selector));
    else
        log_warn(NULL, "dkim-key-gone", LOG_SLICE("domain", key->domain),
                 LOG_SLICE("selector", key->selector), LOG_STR("why", why));
}

static void take_answer(struct key_ring *ring, const struct question *question, uint64_t now)
{
    struct ring_key *key =
        key_table_find(ring->table, slice_from_cstr(question->domain),
                       slice_from_cstr(question->selector), slice_from_cstr(question->record));
    uint64_t again;

    ring->n_asking--;
    if (!key) /* removed or replaced meanwhile */
        return;
    if (question->look == LOOK_FAILED)
        log_debug(NULL, "dkim-key-unknown", LOG_SLICE("domain", key->domain),
                  LOG_SLICE("selector", key->selector), LOG_STR("why", question->why));
    else
        set_seen(ring, key, question->look == LOOK_SEEN, question->why);
    again = !key->seen                      ? UNSEEN_AGAIN_MS
            : question->look == LOOK_FAILED ? FAILED_AGAIN_MS
                                            : SEEN_AGAIN_MS;
    key->asking = false;
    if (key->look_at == UINT64_MAX)
        key->look_at = now + spread(key, again);
}

/* False: there are none. */
static bool take_answers(struct key_ring *ring, uint64_t now)
{
    struct question *answers, *question, *next;

    pthread_mutex_lock(&ring->lock);
    answers = ring->answers;
    ring->answers = NULL;
    pthread_mutex_unlock(&ring->lock);
    LL_FOREACH_SAFE(answers, question, next)
    {
        take_answer(ring, question, now);
        free_question(question);
    }
    return answers != NULL;
}

/* False: keys has no room now. When it is away it will hear when it is back. */
static bool tell_seen(struct key_ring *ring, const struct ring_key *key)
{
    const struct msg_key_seen message = {
        .domain = key->domain, .selector = key->selector, .seen = key->seen};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_key_seen_encode(&out, &message);
    r = role_send(ring->role, ROLE_KEYS, MSG_KEY_SEEN, buf_slice(&out), NULL, 0);
    buf_done(&out);
    return r != -EAGAIN;
}

/* Tells what keys does not know, asks what is due. When to come back for this key. */
static uint64_t tend(struct key_ring *ring, struct ring_key *key, uint64_t now)
{
    if (key->told != key->seen) {
        if (!tell_seen(ring, key))
            return now + TELL_AGAIN_MS;
        key->told = key->seen;
    }
    if (key->asking)
        return UINT64_MAX; /* its answer wakes us up */
    if (key->look_at <= now) {
        if (ring->n_asking < QUESTIONS_MAX)
            ask(ring, key, now);
        return UINT64_MAX; /* so does that of the others */
    }
    return key->look_at;
}

static void tend_all(struct key_ring *ring, uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < ring->table->count; i++) {
        uint64_t at = tend(ring, &ring->table->keys[i], now);
        next = at < next ? at : next;
    }
    if (next != UINT64_MAX)
        loop_timer_arm(ring->timer, next);
}

static void on_time(void *arg)
{
    tend_all(arg, clock_mono_ms());
}

void key_ring_run(struct key_ring *ring)
{
    uint64_t now = clock_mono_ms();

    if (take_answers(ring, now))
        tend_all(ring, now);
}

void key_ring_look(struct key_ring *ring)
{
    for (unsigned i = 0; i < ring->table->count; i++)
        ring->table->keys[i].look_at = 0;
    tend_all(ring, clock_mono_ms());
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* What the DNS has shown here counts more than what was shown before we were started. */
static void inherit(struct key_table *table, const struct key_table *from)
{
    for (unsigned i = 0; i < table->count; i++) {
        struct ring_key *key = &table->keys[i];
        const struct ring_key *old = key_table_find(from, key->domain, key->selector, key->record);
        if (!old)
            continue;
        key->seen = old->seen;
        key->asking = old->asking;
        key->look_at = old->look_at;
    }
}

static void put_in_force(struct key_ring *ring)
{
    struct key_table *old = ring->table;

    key_table_sort(ring->coming);
    inherit(ring->coming, old);
    pthread_mutex_lock(&ring->lock);
    ring->table = ring->coming;
    pthread_mutex_unlock(&ring->lock);
    ring->coming = NULL;
    key_table_free(old);
    tend_all(ring, clock_mono_ms());
}

int key_ring_take(struct key_ring *ring, struct slice payload)
{
    struct msg_keys message;
    struct arena arena;
    int r;

    arena_init(&arena);
    r = msg_keys_decode(payload, &arena, &message);
    if (r == 0 && message.begins) {
        key_table_free(ring->coming);
        ring->coming = key_table_new();
    }
    if (r == 0 && ring->coming)
        r = key_table_add(ring->coming, &message);
    if (r == 0 && ring->coming && message.ends)
        put_in_force(ring);
    arena_done(&arena);
    return r;
}

/* ---- choosing ------------------------------------------------------------------------------- */

static bool may_sign(const struct config *config, struct slice domain)
{
    const struct config_domain *found = config_find_domain(config, domain);

    return !found || found->dkim;
}

/* The domain above, or nothing. */
static struct slice parent_of(struct slice domain)
{
    ptrdiff_t dot = slice_find(domain, '.');

    return dot < 0 ? SLICE_NULL : slice_skip(domain, (size_t)dot + 1);
}

unsigned key_ring_choose(struct key_ring *ring, const struct config *config, struct slice author,
                         struct key_choice ret_choices[KEY_CHOICES_MAX])
{
    struct arena arena;
    struct slice address, domain;
    unsigned n = 0;

    arena_init(&arena);
    address = address_key(&arena, author);
    pthread_mutex_lock(&ring->lock);
    for (domain = address_domain(address); n == 0 && domain.len && may_sign(config, domain);
         domain = parent_of(domain))
        n = key_table_choose(ring->table, domain, address, ret_choices);
    pthread_mutex_unlock(&ring->lock);
    arena_done(&arena);
    return n;
}

struct key_ring_numbers key_ring_numbers(struct key_ring *ring)
{
    struct key_ring_numbers numbers = {0};

    pthread_mutex_lock(&ring->lock);
    numbers.keys = ring->table->count;
    for (unsigned i = 0; i < ring->table->count; i++)
        numbers.seen += ring->table->keys[i].seen;
    pthread_mutex_unlock(&ring->lock);
    return numbers;
}
