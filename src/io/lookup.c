/*
 * Questions and the cache of their answers. See lookup.h; waiting is ask.h's.
 *
 * The cache is a table of fixed size in which a new answer takes the place of an older one; its
 * locks are many, so that sessions do not meet there. What an address is and who may send as it
 * are different questions: an entry is found by both words.
 *
 * When the answer about a busy mailbox grows old, one thread asks anew and the others go on with
 * the old one meanwhile. RESOLVE_LATER is never cached.
 */
#include "io/lookup.h"

#include "base/clock.h"

#include <pthread.h>

enum { SHARDS = 32, SHARD_ENTRIES = 64, CACHE_MS = 1000 };

struct question {
    struct slice address;
    struct slice sender; /* empty: what is the address? */
};

struct entry {
    char *address; /* NULL: empty */
    size_t address_len;
    char *sender;
    size_t sender_len;
    uint64_t expires_ms;
    bool renewed; /* somebody is asking anew */
    enum resolve_status status;
};

struct shard {
    pthread_mutex_t lock; /* guards the entries */
    struct entry entries[SHARD_ENTRIES];
};

struct lookup {
    struct ask *ask;
    struct shard shards[SHARDS];
};

struct lookup *lookup_new(const struct ask_options *options)
{
    struct lookup *lookup = xcalloc(1, sizeof(*lookup));

    lookup->ask = ask_new(options);
    for (unsigned i = 0; i < SHARDS; i++)
        pthread_mutex_init(&lookup->shards[i].lock, NULL);
    return lookup;
}

static void empty_entry(struct entry *entry)
{
    free(entry->address);
    free(entry->sender);
}

void lookup_free(struct lookup *lookup)
{
    if (!lookup)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        for (unsigned j = 0; j < SHARD_ENTRIES; j++)
            empty_entry(&lookup->shards[i].entries[j]);
        pthread_mutex_destroy(&lookup->shards[i].lock);
    }
    ask_free(lookup->ask);
    free(lookup);
}

/* ---- the cache ------------------------------------------------------------------------------ */

static struct entry *find_entry(struct lookup *lookup, const struct question *question,
                                struct shard **ret_shard)
{
    uint64_t hash = slice_hash(question->address) + 3 * slice_hash(question->sender);

    *ret_shard = &lookup->shards[hash % SHARDS];
    return &(*ret_shard)->entries[hash / SHARDS % SHARD_ENTRIES];
}

static bool is_answer_to(const struct entry *entry, const struct question *question)
{
    return entry->address &&
           slice_eq(slice_from(entry->address, entry->address_len), question->address) &&
           slice_eq(slice_from(entry->sender, entry->sender_len), question->sender);
}

/* 0 when it is not there. */
static enum resolve_status look_up(struct lookup *lookup, const struct question *question)
{
    struct shard *shard;
    struct entry *entry = find_entry(lookup, question, &shard);
    enum resolve_status status = 0;

    pthread_mutex_lock(&shard->lock);
    if (is_answer_to(entry, question)) {
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

static void remember(struct lookup *lookup, const struct question *question,
                     enum resolve_status status)
{
    struct shard *shard;
    struct entry *entry = find_entry(lookup, question, &shard);
    struct entry fresh = {.address = xslicedup(question->address),
                          .address_len = question->address.len,
                          .sender = xslicedup(question->sender),
                          .sender_len = question->sender.len,
                          .expires_ms = clock_mono_ms() + CACHE_MS,
                          .status = status};

    pthread_mutex_lock(&shard->lock);
    empty_entry(entry);
    *entry = fresh;
    pthread_mutex_unlock(&shard->lock);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static void encode_resolve(const void *arg, uint64_t request, struct buf *out)
{
    const struct question *question = arg;
    struct msg_resolve message = {
        .request = request, .address = question->address, .sender = question->sender};

    msg_resolve_encode(out, &message);
}

static bool is_known(void *arg, const void *question, struct ask_answer *ret_answer)
{
    ret_answer->verdict = look_up(arg, question);
    return ret_answer->verdict != 0;
}

static enum resolve_status resolve(struct lookup *lookup, const struct question *question)
{
    struct ask_question ask = {.type = MSG_RESOLVE,
                               .encode = encode_resolve,
                               .known = is_known,
                               .question = question,
                               .arg = lookup};
    enum resolve_status status = look_up(lookup, question);

    if (status)
        return status;
    status = (enum resolve_status)ask_and_wait(lookup->ask, &ask).verdict;
    if (status == 0)
        return RESOLVE_LATER;
    if (status != RESOLVE_LATER)
        remember(lookup, question, status);
    return status;
}

enum resolve_status lookup_ask(struct lookup *lookup, struct slice address)
{
    return resolve(lookup, &(struct question){.address = address});
}

enum resolve_status lookup_ask_owner(struct lookup *lookup, struct slice account,
                                     struct slice address)
{
    return resolve(lookup, &(struct question){.address = address, .sender = account});
}

void lookup_answer(struct lookup *lookup, struct slice payload)
{
    struct msg_resolved answer;
    struct arena arena;

    arena_init(&arena);
    if (msg_resolved_decode(payload, &arena, &answer) == 0)
        ask_answered(lookup->ask, answer.request, answer.status, SLICE_NULL);
    arena_done(&arena);
}

/* ---- submissions ---------------------------------------------------------------------------- */

static void encode_submission(const void *arg, uint64_t request, struct buf *out)
{
    struct msg_submission message = *(const struct msg_submission *)arg;

    message.request = request;
    msg_submission_encode(out, &message);
}

void lookup_ask_submission(struct lookup *lookup, const struct msg_submission *question,
                           struct arena *arena, struct msg_submission_reply *ret_reply)
{
    struct ask_question ask = {
        .type = MSG_SUBMISSION, .encode = encode_submission, .question = question};
    struct ask_answer answer = ask_and_wait(lookup->ask, &ask);

    *ret_reply =
        (struct msg_submission_reply){.verdict = (enum submission_verdict)answer.verdict,
                                      .text = arena_dup(arena, slice_from_cstr(answer.text))};
}

void lookup_submission_answer(struct lookup *lookup, struct slice payload)
{
    struct msg_submission_reply answer;
    struct arena arena;

    arena_init(&arena);
    if (msg_submission_reply_decode(payload, &arena, &answer) == 0)
        ask_answered(lookup->ask, answer.request, answer.verdict, answer.text);
    arena_done(&arena);
}

void lookup_lost(struct lookup *lookup)
{
    ask_lost(lookup->ask);
}

void lookup_close(struct lookup *lookup)
{
    ask_close(lookup->ask);
}
