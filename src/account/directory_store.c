/*
 * Accounts and aliases of our own store, as a directory. See directory_store.h.
 *
 * Both look-ups of an address are made in one read transaction, and so is all that is asked for
 * between directory_store_read_begin() and _end(): it begins with the first look-up, so that a
 * question that needs none costs none. Whether another process has changed
 * the store is asked at most each FRESH_MS, since it costs a system call.
 */
#include "account/directory_store.h"

#include <errno.h>
#include <stdlib.h>

enum { FRESH_MS = 100 };

struct directory_store {
    struct directory directory;
    struct store *store;
    bool broken;
    bool checked; /* `version` and `checked_ms` are set */
    bool held;    /* directory_store_read_begin() */
    bool reading; /* a transaction is open */
    uint64_t version, checked_ms, generation;
    struct arena arena; /* of one answer */
};

static struct directory_store *from(const struct directory *directory)
{
    return (struct directory_store *)(uintptr_t)directory;
}

static enum directory_status status_of(struct directory_store *own, int result)
{
    directory_store_note(&own->directory, result);
    if (result == 0)
        return DIRECTORY_FOUND;
    return result == STORE_MISSING ? DIRECTORY_NONE : DIRECTORY_LATER;
}

static int read_entry(struct directory_store *own, struct slice address,
                      struct directory_entry *ret_entry)
{
    struct store_account account;
    int alias = store_alias_find(own->store, &own->arena, address, &ret_entry->targets);
    int r = alias < 0 ? alias : store_account_find(own->store, &own->arena, address, &account);

    if (r != 0)
        return r == STORE_MISSING ? alias : r;
    ret_entry->is_account = true;
    ret_entry->enabled = account.enabled;
    ret_entry->own_quota = account.own_quota;
    ret_entry->quota_bytes = account.quota_bytes;
    ret_entry->quota_messages = account.quota_messages;
    return 0;
}

static int begin_reading(struct directory_store *own)
{
    int r = own->reading ? 0 : store_read_begin(own->store);

    own->reading = r == 0;
    return r;
}

static void end_reading(struct directory_store *own)
{
    if (!own->reading || own->held)
        return;
    store_read_end(own->store);
    own->reading = false;
}

static void store_find(struct directory *directory, struct slice address,
                       directory_on_entry *answer, void *arg)
{
    struct directory_store *own = from(directory);
    struct directory_entry entry = {0};
    int r = directory_store_get(directory) ? begin_reading(own) : -EBUSY;

    if (r == 0)
        r = read_entry(own, address, &entry);
    end_reading(own);
    answer(arg, status_of(own, r), &entry);
    arena_reset(&own->arena);
}

static int read_login(struct directory_store *own, struct slice account,
                      struct directory_login *ret_login)
{
    struct store_account found;
    int r = store_account_find(own->store, &own->arena, account, &found);

    if (r != 0)
        return r;
    ret_login->enabled = found.enabled;
    r = store_passwords_find(own->store, &own->arena, account, &ret_login->passwords);
    /* It may have app passwords and certificates alone. */
    return r == STORE_MISSING ? 0 : r;
}

static void store_login(struct directory *directory, struct slice account,
                        directory_on_login *answer, void *arg)
{
    struct directory_store *own = from(directory);
    struct directory_login login = {0};
    int r = directory_store_get(directory) ? read_login(own, account, &login) : -EBUSY;

    answer(arg, status_of(own, r), &login);
    arena_reset(&own->arena);
}

static unsigned store_mechanisms(struct directory *directory)
{
    struct store *store = directory_store_get(directory);
    unsigned set = MECHANISM_PLAIN | MECHANISM_LOGIN;
    struct store_kinds kinds = {0};

    if (store)
        directory_store_note(directory, store_passwords_kinds(store, &kinds));
    if (kinds.scram_sha_256)
        set |= MECHANISM_SCRAM_SHA_256 | MECHANISM_SCRAM_SHA_256_PLUS;
    if (kinds.scram_sha_1)
        set |= MECHANISM_SCRAM_SHA_1 | MECHANISM_SCRAM_SHA_1_PLUS;
    return set | (kinds.cram_secret ? (unsigned)MECHANISM_CRAM_MD5 : 0);
}

static void store_cancel(struct directory *directory, void *arg)
{
    (void)directory;
    (void)arg;
}

static void store_free(struct directory *directory)
{
    struct directory_store *own = from(directory);

    arena_done(&own->arena);
    free(own);
}

static const struct directory_methods methods = {
    .name = "store",
    .find = store_find,
    .login = store_login,
    .mechanisms = store_mechanisms,
    .cancel = store_cancel,
    .free = store_free,
};

struct directory *directory_store_new(void)
{
    struct directory_store *own = xcalloc(1, sizeof(*own));

    own->directory.methods = &methods;
    arena_init(&own->arena);
    return &own->directory;
}

void directory_store_set(struct directory *directory, struct store *store)
{
    struct directory_store *own = from(directory);

    own->store = store;
    own->broken = own->checked = false;
    own->generation++;
}

void directory_store_read_begin(struct directory *directory)
{
    from(directory)->held = true;
}

void directory_store_read_end(struct directory *directory)
{
    from(directory)->held = false;
    end_reading(from(directory));
}

struct store *directory_store_get(const struct directory *directory)
{
    const struct directory_store *own = from(directory);

    return own->broken ? NULL : own->store;
}

bool directory_store_is_broken(const struct directory *directory)
{
    return from(directory)->broken;
}

void directory_store_note(struct directory *directory, int result)
{
    struct directory_store *own = from(directory);

    if (own->store && result < 0 && result != -EBUSY)
        own->broken = true;
}

uint64_t directory_store_generation(struct directory *directory, uint64_t now_ms)
{
    struct directory_store *own = from(directory);
    struct store *store = directory_store_get(directory);
    uint64_t version;

    if (!store || (own->checked && now_ms - own->checked_ms < FRESH_MS))
        return own->generation;
    if (store_version(store, &version) < 0) {
        own->checked = false;
        return ++own->generation;
    }
    if (!own->checked || version != own->version)
        own->generation++;
    own->checked = true;
    own->version = version;
    own->checked_ms = now_ms;
    return own->generation;
}
