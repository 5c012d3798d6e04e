/*
 * See names.h.
 *
 * A question is an entry that is made by the asking thread and filled by the resolver's: what the
 * callee of dns_ask() writes is the entry's own arena, before it says under the lock that the
 * answer has come; from then on the entry does not change. An entry whose patience was over is
 * answered by `too_late`, and what comes for it afterwards is dropped.
 */
#include "policy/names.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <uthash.h>

struct entry {
    UT_hash_handle hh; /* by key; the asking thread's alone */
    struct names *names;
    struct arena arena;
    struct trust_answer answer;
    const struct trust_answer *given; /* guarded by the lock: NULL while under way */
    size_t key_len;
    char key[]; /* type and name in lower case */
};

struct names {
    struct names_options options;
    struct trust_names face;
    struct entry *entries;
    unsigned n_entries;
    bool given_up; /* the asking thread's */

    pthread_mutex_t lock; /* guards what follows, and each entry's `given` */
    pthread_cond_t came;  /* with `waits` */
    unsigned references;  /* the owner's, and one for each question under way */
    unsigned come;
    size_t bytes;
    bool ended, awaited;
};

static const struct trust_answer too_many = {
    .result = TRUST_FAILED, .why = SLICE_INIT("too many look-ups for one message")};
static const struct trust_answer too_late = {.result = TRUST_FAILED,
                                             .why = SLICE_INIT("no answer in time")};
static const struct trust_answer too_large = {.result = TRUST_FAILED,
                                              .why = SLICE_INIT("the answer is too large")};

/* ---- an answer ------------------------------------------------------------------------------ */

static bool read_record(enum trust_type type, struct slice rdata, struct arena *arena,
                        struct trust_record *record)
{
    struct dns_mx mx;

    switch (type) {
    case TRUST_A:
    case TRUST_AAAA:
        record->bytes = arena_dup(arena, rdata);
        return rdata.len == (type == TRUST_A ? 4 : 16);
    case TRUST_PTR:
        return dns_read_name(rdata, arena, &record->bytes);
    case TRUST_TXT:
        return dns_read_txt(rdata, arena, &record->bytes);
    case TRUST_MX:
        if (!dns_read_mx(rdata, arena, &mx))
            return false;
        record->bytes = mx.exchange;
        record->preference = mx.preference;
        return true;
    }
    return false;
}

static enum trust_result result_of(enum dns_result result)
{
    switch (result) {
    case DNS_FOUND:
        return TRUST_FOUND;
    case DNS_NO_NAME:
        return TRUST_NO_NAME;
    case DNS_NO_DATA:
        return TRUST_NO_DATA;
    case DNS_FAILED:
    case DNS_TIMEOUT:
        break;
    }
    return TRUST_FAILED;
}

static void translate(const struct dns_answer *from, enum trust_type type, struct arena *arena,
                      struct trust_answer *to)
{
    unsigned most = from->n_records < TRUST_RECORDS_MAX ? from->n_records : TRUST_RECORDS_MAX;
    struct trust_record *records = arena_alloc(arena, (most + 1) * sizeof(*records));

    *to = (struct trust_answer){.result = result_of(from->result),
                                .records = records,
                                .secure = from->security == DNS_SECURE};
    for (unsigned i = 0; i < most && to->result == TRUST_FOUND; i++) {
        if (read_record(type, from->records[i], arena, &records[to->n_records]))
            to->n_records++;
    }
    if (to->result == TRUST_FAILED && from->why.len)
        to->why = arena_dup(arena, from->why);
    else if (to->result == TRUST_FAILED)
        to->why = slice_from_cstr(dns_result_text(from->result));
}

static size_t size_of(const struct dns_answer *answer)
{
    size_t size = answer->why.len;

    for (unsigned i = 0; i < answer->n_records; i++)
        size += answer->records[i].len;
    return size;
}

/* ---- the life of it ------------------------------------------------------------------------- */

static void free_names(struct names *names)
{
    struct entry *entry, *next;

    HASH_ITER(hh, names->entries, entry, next)
    {
        HASH_DELETE(hh, names->entries, entry);
        arena_done(&entry->arena);
        free(entry);
    }
    pthread_mutex_destroy(&names->lock);
    pthread_cond_destroy(&names->came);
    free(names);
}

/* With the lock held, which it gives back. */
static void let_go(struct names *names)
{
    bool last = --names->references == 0;

    pthread_mutex_unlock(&names->lock);
    if (last)
        free_names(names);
}

static enum trust_type type_of(const struct entry *entry)
{
    return (enum trust_type)entry->key[0];
}

/* On the resolver's thread, or within dns_ask(). */
static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct entry *entry = arg;
    struct names *names = entry->names;
    size_t size = size_of(answer);
    bool fits = size <= NAMES_ANSWER_MAX;

    if (fits)
        translate(answer, type_of(entry), &entry->arena, &entry->answer);
    pthread_mutex_lock(&names->lock);
    names->bytes += fits ? size : 0;
    fits = fits && names->bytes <= NAMES_BYTES_MAX;
    if (!entry->given)
        entry->given = fits ? &entry->answer : &too_large;
    names->come++;
    if (names->awaited && !names->ended) {
        names->awaited = false;
        names->options.wake(names->options.arg);
    }
    pthread_cond_signal(&names->came);
    let_go(names);
}

/* ---- asking --------------------------------------------------------------------------------- */

static struct entry *add_entry(struct names *names, const char *key, size_t len)
{
    struct entry *entry = xcalloc(1, sizeof(*entry) + len);

    entry->names = names;
    memcpy(entry->key, key, len);
    entry->key_len = len;
    HASH_ADD_KEYPTR(hh, names->entries, entry->key, entry->key_len, entry);
    names->n_entries++;
    return entry;
}

static struct entry *put_question(struct names *names, const char *key, size_t len)
{
    struct entry *entry = add_entry(names, key, len);

    if (names->n_entries > NAMES_QUESTIONS_MAX) {
        entry->given = &too_many;
        return entry;
    }
    if (names->given_up) {
        entry->given = &too_late;
        return entry;
    }
    pthread_mutex_lock(&names->lock);
    names->references++;
    pthread_mutex_unlock(&names->lock);
    dns_ask(names->options.dns, slice_from(entry->key + 1, len - 1), (enum dns_type)type_of(entry),
            clock_mono_ms() + NAMES_QUESTION_MS, on_answer, entry);
    return entry;
}

/* 1 and the length of the key, or 0: no name can be that long. */
static size_t write_key(struct slice name, enum trust_type type, char key[TRUST_NAME_MAX + 1])
{
    if (name.len && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len > TRUST_NAME_MAX)
        return 0;
    key[0] = (char)type;
    for (size_t i = 0; i < name.len; i++)
        key[i + 1] = ascii_lower(name.ptr[i]);
    return name.len + 1;
}

static const struct trust_answer *look(struct names *names, const struct entry *entry)
{
    const struct trust_answer *given;

    pthread_mutex_lock(&names->lock);
    while (!entry->given && names->options.waits)
        pthread_cond_wait(&names->came, &names->lock);
    given = entry->given;
    pthread_mutex_unlock(&names->lock);
    return given;
}

/* All references but the owner's are of questions under way. */
static bool is_busy(struct names *names)
{
    unsigned under_way;

    if (names->options.waits || names->given_up)
        return false;
    pthread_mutex_lock(&names->lock);
    under_way = names->references - 1;
    pthread_mutex_unlock(&names->lock);
    return under_way >= NAMES_UNDER_WAY_MAX;
}

static int ask(void *arg, struct slice name, enum trust_type type,
               const struct trust_answer **ret_answer)
{
    static const struct trust_answer no_name = {.result = TRUST_NO_NAME};
    struct names *names = arg;
    struct entry *entry = NULL;
    char key[TRUST_NAME_MAX + 1];
    size_t len = write_key(name, type, key);

    if (len == 0) {
        *ret_answer = &no_name;
        return 0;
    }
    HASH_FIND(hh, names->entries, key, len, entry);
    if (!entry && names->n_entries > NAMES_QUESTIONS_MAX) {
        *ret_answer = &too_many;
        return 0;
    }
    if (!entry && is_busy(names))
        return -EAGAIN;
    if (!entry)
        entry = put_question(names, key, len);
    *ret_answer = look(names, entry);
    return *ret_answer ? 0 : -EAGAIN;
}

/* ---- the owner's ---------------------------------------------------------------------------- */

struct names *names_new(const struct names_options *options)
{
    struct names *names = xcalloc(1, sizeof(*names));

    names->options = *options;
    names->face = (struct trust_names){.ask = ask, .arg = names};
    names->references = 1;
    pthread_mutex_init(&names->lock, NULL);
    pthread_cond_init(&names->came, NULL);
    return names;
}

void names_end(struct names *names)
{
    if (!names)
        return;
    pthread_mutex_lock(&names->lock);
    names->ended = true;
    let_go(names);
}

const struct trust_names *names_of(struct names *names)
{
    return &names->face;
}

unsigned names_come(struct names *names)
{
    unsigned come;

    pthread_mutex_lock(&names->lock);
    come = names->come;
    pthread_mutex_unlock(&names->lock);
    return come;
}

void names_await(struct names *names, unsigned seen)
{
    pthread_mutex_lock(&names->lock);
    names->awaited = names->come == seen;
    if (!names->awaited)
        names->options.wake(names->options.arg);
    pthread_mutex_unlock(&names->lock);
}

void names_give_up(struct names *names)
{
    struct entry *entry, *next;

    names->given_up = true;
    pthread_mutex_lock(&names->lock);
    HASH_ITER(hh, names->entries, entry, next)
    {
        if (!entry->given)
            entry->given = &too_late;
    }
    names->come++;
    pthread_mutex_unlock(&names->lock);
}
