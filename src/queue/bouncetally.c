/* A hash table whose insertion order is the order of telling (uthash keeps it). See bouncetally.h.
 */
#include "queue/bouncetally.h"

#include "base/buf.h"

#include <uthash.h>

struct entry {
    char *account;
    size_t len;
    uint32_t recipients;
    UT_hash_handle hh;
};

struct bouncetally {
    struct entry *entries;
};

struct bouncetally *bouncetally_new(void)
{
    return xcalloc(1, sizeof(struct bouncetally));
}

void bouncetally_free(struct bouncetally *tally)
{
    if (!tally)
        return;
    while (tally->entries)
        bouncetally_drop(tally);
    free(tally);
}

void bouncetally_add(struct bouncetally *tally, struct slice account, uint32_t recipients)
{
    struct entry *entry;

    if (account.len == 0 || recipients == 0)
        return;
    HASH_FIND(hh, tally->entries, account.ptr, account.len, entry);
    if (!entry) {
        if (HASH_COUNT(tally->entries) >= BOUNCETALLY_MAX)
            return;
        entry = xcalloc(1, sizeof(*entry));
        entry->account = xslicedup(account);
        entry->len = account.len;
        HASH_ADD_KEYPTR(hh, tally->entries, entry->account, entry->len, entry);
    }
    entry->recipients += recipients < UINT32_MAX - entry->recipients ? recipients : 0;
}

bool bouncetally_first(const struct bouncetally *tally, struct slice *ret_account,
                       uint32_t *ret_recipients)
{
    const struct entry *entry = tally->entries;

    if (!entry)
        return false;
    *ret_account = slice_from(entry->account, entry->len);
    *ret_recipients = entry->recipients;
    return true;
}

void bouncetally_drop(struct bouncetally *tally)
{
    struct entry *entry = tally->entries;

    HASH_DEL(tally->entries, entry);
    free(entry->account);
    free(entry);
}
