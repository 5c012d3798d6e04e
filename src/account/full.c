/*
 * Notes of full mailboxes: a hash table whose insertion order is its order of age (uthash keeps
 * it; a renewed note is taken out and put in again). See full.h.
 */
#include "account/full.h"

#include "base/buf.h"

#include <uthash.h>

struct note {
    char *account;
    size_t len;
    uint64_t until_ms;
    UT_hash_handle hh;
};

struct full {
    struct note *notes; /* oldest first */
};

struct full *full_new(void)
{
    return xcalloc(1, sizeof(struct full));
}

static void drop(struct full *full, struct note *note)
{
    HASH_DEL(full->notes, note);
    free(note->account);
    free(note);
}

void full_free(struct full *full)
{
    while (full->notes)
        drop(full, full->notes);
    free(full);
}

static struct note *find(const struct full *full, struct slice account)
{
    struct note *note;

    HASH_FIND(hh, full->notes, account.ptr, account.len, note);
    return note;
}

void full_note(struct full *full, struct slice account, uint64_t now_ms)
{
    struct note *note;

    if (account.len == 0)
        return;
    full_forget(full, account);
    while (full->notes && (HASH_COUNT(full->notes) >= FULL_MAX || full->notes->until_ms <= now_ms))
        drop(full, full->notes);
    note = xcalloc(1, sizeof(*note));
    note->account = xslicedup(account);
    note->len = account.len;
    note->until_ms = now_ms + FULL_MS;
    HASH_ADD_KEYPTR(hh, full->notes, note->account, note->len, note);
}

void full_forget(struct full *full, struct slice account)
{
    struct note *note = find(full, account);

    if (note)
        drop(full, note);
}

bool full_is(const struct full *full, struct slice account, uint64_t now_ms)
{
    const struct note *note = find(full, account);

    return note && note->until_ms > now_ms;
}

size_t full_count(const struct full *full, uint64_t now_ms)
{
    size_t count = 0;

    for (const struct note *note = full->notes; note; note = note->hh.next)
        count += note->until_ms > now_ms;
    return count;
}
