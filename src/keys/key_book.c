/*
 * The keys in memory and what is to be written of them. See key_book.h.
 *
 * What the DNS shows changes the list at once; writing it down may have to wait for the folder's
 * lock, which `nuncio dkim` holds for moments. Until then it is a note, which is put on top of what
 * is read from the folder. Of the facts of a key only what the note says is written over.
 *
 * A fingerprint is taken before the folder is read, so that a change in the middle of it is found
 * at the next look.
 */
#include "keys/key_book.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>
#include <utlist.h>

/* Writing syncs, and signatures wait for this thread: a thousand notes are several looks' work. */
enum { SAVE_MS = 100, KEY_SIZE_ABOUT = 64 };

struct key_note {
    struct key_note *next;
    char *domain, *selector;
    bool has_seen;
    uint64_t seen_s;
    uint64_t retired_s; /* 0: nothing to be said of it */
};

void key_book_init(struct key_book *book)
{
    *book = (struct key_book){0};
    arena_init(&book->list.arena);
}

static void free_note(struct key_note *note)
{
    free(note->domain);
    free(note->selector);
    free(note);
}

void key_book_done(struct key_book *book)
{
    struct key_note *note, *next;

    LL_FOREACH_SAFE(book->notes, note, next)
    free_note(note);
    key_list_done(&book->list);
}

static struct key_note *note_of(struct key_book *book, const struct key_entry *entry)
{
    struct key_note *note;

    LL_FOREACH(book->notes, note)
    {
        if (slice_eq(slice_from_cstr(note->domain), entry->domain) &&
            slice_eq(slice_from_cstr(note->selector), entry->selector))
            return note;
    }
    note = xcalloc(1, sizeof(*note));
    note->domain = xslicedup(entry->domain);
    note->selector = xslicedup(entry->selector);
    LL_PREPEND(book->notes, note);
    return note;
}

static void apply(const struct key_note *note, struct key_facts *facts)
{
    if (note->has_seen && (note->seen_s == 0 || facts->seen_s == 0))
        facts->seen_s = note->seen_s;
    if (note->retired_s && facts->retired_s == 0)
        facts->retired_s = note->retired_s;
}

static void write_note(const struct key_note *note, int folder)
{
    const struct slice domain = slice_from_cstr(note->domain);
    const struct slice selector = slice_from_cstr(note->selector);
    struct key_facts facts;
    struct arena arena;
    int r;

    arena_init(&arena);
    r = key_store_read_facts(folder, domain, selector, &arena, &facts);
    if (r == 0) {
        apply(note, &facts);
        r = key_store_write_facts(folder, domain, selector, &facts);
    }
    arena_done(&arena);
    /* Of a key that was removed meanwhile there is nothing to remember. */
    if (r < 0 && r != -ENOENT)
        log_warn(NULL, "dkim-facts-not-written", LOG_SLICE("domain", domain),
                 LOG_SLICE("selector", selector), LOG_ERRNO(r));
}

bool key_book_save(struct key_book *book, int folder)
{
    uint64_t until = clock_mono_ms() + SAVE_MS;
    int lock;

    if (!book->notes)
        return true;
    lock = key_store_lock(folder, 0);
    if (lock < 0)
        return false;
    while (book->notes && clock_mono_ms() < until) {
        struct key_note *note = book->notes;
        LL_DELETE(book->notes, note);
        write_note(note, folder);
        free_note(note);
    }
    close(lock);
    return !book->notes;
}

/* Each problem is told once, not whenever another key changes. */
static void log_problems(const struct key_list *list, const struct key_list *before)
{
    for (unsigned i = 0; i < list->count; i++) {
        const struct key_entry *entry = &list->entries[i], *old;
        if (!entry->problem.len)
            continue;
        old = key_list_find(before, entry->domain, entry->selector);
        if (!old || !slice_eq(old->problem, entry->problem))
            log_warn(NULL, "dkim-key-refused", LOG_SLICE("domain", entry->domain),
                     LOG_SLICE("selector", entry->selector), LOG_SLICE("why", entry->problem));
    }
    if (list->left_out && list->left_out != before->left_out)
        log_warn(NULL, "dkim-keys-left-out", LOG_INT("count", list->left_out),
                 LOG_INT("limit", KEYS_MAX));
}

static void take_list(struct key_book *book, struct key_list *list)
{
    const struct key_note *note;

    LL_FOREACH(book->notes, note)
    {
        struct key_entry *entry =
            key_list_find(list, slice_from_cstr(note->domain), slice_from_cstr(note->selector));
        if (entry)
            apply(note, &entry->facts);
    }
    log_problems(list, &book->list);
    key_list_done(&book->list);
    book->list = *list;
}

bool key_book_look(struct key_book *book, int folder)
{
    struct key_list list = {0};
    uint64_t fingerprint;
    int r;

    (void)key_book_save(book, folder);
    r = key_store_fingerprint(folder, &fingerprint);
    if (r == 0 && book->read && fingerprint == book->fingerprint)
        return false;
    if (r == 0) {
        r = key_store_read(folder, &list);
        if (r < 0)
            key_list_done(&list);
    }
    if (r < 0) {
        if (!book->failed)
            log_error(NULL, "dkim-keys-not-read", LOG_ERRNO(r));
        book->failed = true;
        return false;
    }
    take_list(book, &list);
    book->fingerprint = fingerprint;
    book->read = true;
    book->failed = false;
    return true;
}

/* Does `old` give way to `new` once that is in the DNS? */
static bool is_followed_by(const struct key_entry *old, const struct key_entry *new)
{
    return old != new && old->key && !old->facts.retired_s &&
           old->facts.made_s < new->facts.made_s &&slice_eq(old->domain, new->domain) &&
           slice_eq(old->facts.sender, new->facts.sender) &&
           key_kind(old->key) == key_kind(new->key);
}

static void retire_older(struct key_book *book, const struct key_entry *by, uint64_t now_s)
{
    for (unsigned i = 0; i < book->list.count; i++) {
        struct key_entry *entry = &book->list.entries[i];
        if (!is_followed_by(entry, by))
            continue;
        entry->facts.retired_s = now_s;
        note_of(book, entry)->retired_s = now_s;
        log_info(NULL, "dkim-key-retired", LOG_SLICE("domain", entry->domain),
                 LOG_SLICE("selector", entry->selector), LOG_SLICE("by", by->selector));
    }
}

bool key_book_note(struct key_book *book, const struct msg_key_seen *seen, uint64_t now_s)
{
    struct key_entry *entry = key_list_find(&book->list, seen->domain, seen->selector);
    struct key_note *note;

    if (!entry || !entry->key || (entry->facts.seen_s != 0) == seen->seen)
        return false;
    entry->facts.seen_s = seen->seen ? now_s : 0;
    note = note_of(book, entry);
    note->has_seen = true;
    note->seen_s = entry->facts.seen_s;
    if (seen->seen && !entry->facts.retired_s)
        retire_older(book, entry, now_s);
    return true;
}

unsigned key_book_list(const struct key_book *book, struct arena *arena, struct msg_key **ret_list)
{
    struct msg_key *list = arena_alloc(arena, (book->list.count + 1) * sizeof(*list));
    unsigned n = 0;

    for (unsigned i = 0; i < book->list.count; i++) {
        const struct key_entry *entry = &book->list.entries[i];
        if (!entry->key || !entry->record.len)
            continue;
        list[n++] = (struct msg_key){.domain = entry->domain,
                                     .selector = entry->selector,
                                     .sender = entry->facts.sender,
                                     .record = entry->record,
                                     .made_s = entry->facts.made_s,
                                     .seen = entry->facts.seen_s != 0,
                                     .retired = entry->facts.retired_s != 0};
    }
    *ret_list = list;
    return n;
}

size_t key_book_size(const struct msg_key *key)
{
    return key->domain.len + key->selector.len + key->sender.len + key->record.len + KEY_SIZE_ABOUT;
}

struct key_numbers key_book_numbers(const struct key_book *book)
{
    struct key_numbers numbers = {0};

    for (unsigned i = 0; i < book->list.count; i++) {
        const struct key_entry *entry = &book->list.entries[i];
        numbers.refused += entry->problem.len != 0;
        numbers.usable += entry->key != NULL;
        numbers.seen += entry->key && entry->facts.seen_s;
    }
    return numbers;
}
