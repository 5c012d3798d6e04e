/*
 * Entries by address (in ASCII lower case, and marked when the address came from itself, which is
 * the one thing about `via` that changes the answer) and by the number of the question. See
 * answers.h.
 */
#include "queue/answers.h"

#include "base/arena.h"

#include <uthash.h>
#include <utlist.h>

enum { ENTRIES_MAX = 16384 };

struct waiting {
    struct answers_waiter waiter;
    struct waiting *next;
};

struct entry {
    struct arena arena; /* key and answer; reset with each new question */
    char *key;
    size_t key_len;
    struct slice address, via;
    uint64_t request;
    bool pending; /* asked, or to be */
    bool sent;
    uint64_t at; /* of the question while pending, else of the answer */
    struct msg_resolved answer;
    struct waiting *waiting;
    struct entry *prev, *next; /* among those not sent yet */
    UT_hash_handle by_key, by_request;
};

struct answers {
    struct answers_events events;
    struct entry *entries_by_key;
    struct entry *entries_by_request; /* the pending ones */
    struct entry *unsent;
    uint64_t last_request;
};

struct answers *answers_new(const struct answers_events *events)
{
    struct answers *answers = xcalloc(1, sizeof(*answers));

    answers->events = *events;
    return answers;
}

static void forget_waiting(struct entry *entry)
{
    struct waiting *waiting, *tmp;

    LL_FOREACH_SAFE(entry->waiting, waiting, tmp)
    free(waiting);
    entry->waiting = NULL;
}

static void drop_entry(struct answers *answers, struct entry *entry)
{
    HASH_DELETE(by_key, answers->entries_by_key, entry);
    if (entry->pending)
        HASH_DELETE(by_request, answers->entries_by_request, entry);
    if (entry->pending && !entry->sent)
        DL_DELETE(answers->unsent, entry);
    forget_waiting(entry);
    arena_done(&entry->arena);
    free(entry->key);
    free(entry);
}

void answers_free(struct answers *answers)
{
    struct entry *entry, *tmp;

    if (!answers)
        return;
    HASH_ITER(by_key, answers->entries_by_key, entry, tmp)
    drop_entry(answers, entry);
    free(answers);
}

/* Address and via are at most a few hundred bytes each (RFC 5321 section 4.5.3.1). */
struct key {
    char bytes[1024];
    size_t len;
};

static void make_key(struct slice address, struct slice via, struct key *key)
{
    bool itself = slice_eq_nocase(address, via);

    address = slice_sub(address, 0, sizeof(key->bytes) - 1);
    key->bytes[0] = itself ? '=' : ' ';
    for (size_t i = 0; i < address.len; i++)
        key->bytes[i + 1] = ascii_lower(address.ptr[i]);
    key->len = address.len + 1;
}

static struct entry *find_entry(const struct answers *answers, const struct key *key)
{
    struct entry *entry = NULL;

    HASH_FIND(by_key, answers->entries_by_key, key->bytes, key->len, entry);
    return entry;
}

const struct msg_resolved *answers_find(const struct answers *answers, struct slice address,
                                        struct slice via, uint64_t max_age_ms, uint64_t now)
{
    struct key key;
    const struct entry *entry;

    make_key(address, via, &key);
    entry = find_entry(answers, &key);
    return entry && !entry->pending && now - entry->at <= max_age_ms ? &entry->answer : NULL;
}

static struct entry *make_entry(struct answers *answers, const struct key *key)
{
    struct entry *entry = xcalloc(1, sizeof(*entry));

    arena_init(&entry->arena);
    entry->key = xslicedup(slice_from(key->bytes, key->len));
    entry->key_len = key->len;
    HASH_ADD_KEYPTR(by_key, answers->entries_by_key, entry->key, entry->key_len, entry);
    return entry;
}

static void begin_question(struct answers *answers, struct entry *entry, struct slice address,
                           struct slice via, uint64_t now)
{
    arena_reset(&entry->arena);
    entry->address = arena_dup(&entry->arena, address);
    entry->via = arena_dup(&entry->arena, via);
    entry->request = ++answers->last_request;
    entry->pending = true;
    entry->sent = false;
    entry->at = now;
    HASH_ADD(by_request, answers->entries_by_request, request, sizeof(entry->request), entry);
    DL_APPEND(answers->unsent, entry);
}

void answers_send_more(struct answers *answers)
{
    while (answers->unsent) {
        struct entry *entry = answers->unsent;
        struct msg_resolve question = {
            .request = entry->request, .address = entry->address, .via = entry->via};
        if (answers->events.send(answers->events.arg, &question) < 0)
            return;
        entry->sent = true;
        DL_DELETE(answers->unsent, entry);
    }
}

void answers_ask(struct answers *answers, struct slice address, struct slice via,
                 struct answers_waiter waiter, uint64_t now)
{
    struct waiting *waiting = xcalloc(1, sizeof(*waiting));
    struct key key;
    struct entry *entry;

    make_key(address, via, &key);
    entry = find_entry(answers, &key);
    if (!entry)
        entry = make_entry(answers, &key);
    waiting->waiter = waiter;
    LL_PREPEND(entry->waiting, waiting);
    if (entry->pending)
        return;
    begin_question(answers, entry, address, via, now);
    answers_send_more(answers);
}

static void copy_answer(struct entry *entry, const struct msg_resolved *answer)
{
    struct arena *arena = &entry->arena;
    struct msg_resolved *to = &entry->answer;

    arena_reset(arena);
    *to = *answer;
    to->account = arena_dup(arena, answer->account);
    to->text = arena_dup(arena, answer->text);
    to->targets = arena_alloc(arena, answer->n_targets * sizeof(*to->targets) + 1);
    for (uint32_t i = 0; i < answer->n_targets; i++)
        to->targets[i] = arena_dup(arena, answer->targets[i]);
}

static void settle(struct answers *answers, struct entry *entry, const struct msg_resolved *answer,
                   uint64_t now)
{
    struct waiting *waiting = entry->waiting, *next;

    HASH_DELETE(by_request, answers->entries_by_request, entry);
    if (!entry->sent)
        DL_DELETE(answers->unsent, entry);
    entry->pending = false;
    entry->at = now;
    entry->waiting = NULL;
    copy_answer(entry, answer);
    for (; waiting; waiting = next) {
        next = waiting->next;
        answers->events.answered(answers->events.arg, waiting->waiter);
        free(waiting);
    }
}

void answers_take(struct answers *answers, const struct msg_resolved *answer, uint64_t now)
{
    struct entry *entry = NULL;

    HASH_FIND(by_request, answers->entries_by_request, &answer->request, sizeof(answer->request),
              entry);
    if (entry)
        settle(answers, entry, answer, now);
}

static const struct msg_resolved no_answer = {
    .status = RESOLVE_LATER, .text = SLICE_INIT("the accounts cannot be asked now")};

/* Settling calls back, and who is called may ask again: so the list is walked by asking for the
 * oldest again and again, up to the last question asked before. */
static void give_up_before(struct answers *answers, uint64_t request, uint64_t asked_before,
                           bool sent_only, uint64_t now)
{
    struct entry *entry = answers->entries_by_request;

    while (entry && entry->request <= request) {
        struct entry *next = entry->by_request.next;
        if (entry->at < asked_before && (entry->sent || !sent_only)) {
            settle(answers, entry, &no_answer, now);
            next = answers->entries_by_request;
        }
        entry = next;
    }
}

void answers_lost(struct answers *answers, uint64_t now)
{
    give_up_before(answers, answers->last_request, UINT64_MAX, true, now);
}

void answers_forget(struct answers *answers)
{
    struct entry *entry, *tmp;

    HASH_ITER(by_key, answers->entries_by_key, entry, tmp)
    {
        if (!entry->pending)
            drop_entry(answers, entry);
    }
}

void answers_tick(struct answers *answers, uint64_t now)
{
    uint64_t keep = HASH_CNT(by_key, answers->entries_by_key) > ENTRIES_MAX ? ANSWERS_FRESH_MS
                                                                            : ANSWERS_KEEP_MS;
    struct entry *entry, *tmp;

    if (now > ANSWERS_DEADLINE_MS)
        give_up_before(answers, answers->last_request, now - ANSWERS_DEADLINE_MS, false, now);
    HASH_ITER(by_key, answers->entries_by_key, entry, tmp)
    {
        if (!entry->pending && now - entry->at > keep)
            drop_entry(answers, entry);
    }
}

unsigned answers_pending(const struct answers *answers)
{
    return HASH_CNT(by_request, answers->entries_by_request);
}
