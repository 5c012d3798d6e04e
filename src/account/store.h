/*
 * The store of accounts and aliases: SQLite in state/accounts/accounts.db.
 *
 * Addresses are canonical: as address_key() of mail/address.h makes them. The store does not know
 * the configuration; which domains are ours is its callers' business.
 *
 * Several processes may have it open at once (the auth role and the command line); each sees the
 * others' changes by itself. A handle belongs to one thread.
 *
 * Results: 0; a positive `enum store_result`; or -errno: -EBUSY (locked by another for longer than
 * the handle's patience), -ENOSPC, -EROFS, -EIO (store_error() has the words), -ENOENT, -EACCES.
 */
#ifndef NUNCIO_ACCOUNT_STORE_H
#define NUNCIO_ACCOUNT_STORE_H

#include "base/buf.h"
#include "base/problem.h"

#define STORE_FILE "accounts/accounts.db" /* under the state folder */

struct store;

enum store_result {
    STORE_MISSING = 1, /* no such account or alias */
    STORE_EXISTS,      /* it is there already */
    STORE_TOO_LARGE,   /* above STORE_TARGETS_MAX or STORE_TARGETS_BYTES_MAX */
};

/* Of one alias; so that an answer fits into a message between roles. */
enum { STORE_TARGETS_MAX = 1000, STORE_TARGETS_BYTES_MAX = 100 * 1024 };

struct store_account {
    struct slice address;
    uint64_t created_ms; /* wall time */
    bool enabled;
    bool own_quota;          /* else its domain's default holds, and quota_bytes is 0 */
    uint64_t quota_bytes;    /* 0: none */
    uint32_t quota_messages; /* 0: none */
};

struct store_targets {
    struct slice *list;
    size_t count;
};

/*
 * Opens the file, makes it where it is missing (not its folder), and brings an older form up to
 * date. What a person must do about a failure goes to `problems`; a newer form, or another
 * program's database, is refused there by name (-ENOTSUP).
 */
int store_open(struct slice path, unsigned patience_ms, struct store **ret_store,
               struct problem_list *problems);
void store_close(struct store *store); /* NULL is fine */
/* The words of the last failure. */
const char *store_error(struct store *store);
/* Changes whenever another handle has changed something. */
int store_version(struct store *store, uint64_t *ret_version);

/* Between these two, all that is read belongs to one moment, and reading costs less. */
int store_read_begin(struct store *store);
void store_read_end(struct store *store);
/* Between these two, all that is written counts at once or (result not 0) not at all. Returns the
 * result, or why it could not be made to count. Not around calls that are such a unit themselves:
 * store_account_remove(), store_login_forget(), store_alias_add(). */
int store_write_begin(struct store *store);
int store_write_end(struct store *store, int result);

int store_account_add(struct store *store, const struct store_account *account);
/* With all that store_login.h keeps of it. */
int store_account_remove(struct store *store, struct slice address);
/* Sets quota fields alone. */
int store_account_set_quota(struct store *store, const struct store_account *account);
int store_account_set_enabled(struct store *store, struct slice address, bool enabled);
int store_account_find(struct store *store, struct arena *arena, struct slice address,
                       struct store_account *ret_account);
typedef void store_on_account(void *arg, const struct store_account *account);
int store_account_each(struct store *store, store_on_account *on_account, void *arg);

/* Targets that are there already are left as they are. */
int store_alias_add(struct store *store, struct slice address, const struct slice *targets,
                    size_t n_targets);
/* One target, or (empty) the whole alias. */
int store_alias_remove(struct store *store, struct slice address, struct slice target);
/* In the order in which they were added. */
int store_alias_find(struct store *store, struct arena *arena, struct slice address,
                     struct store_targets *ret_targets);
/* Called once for each target, by address and order. */
typedef void store_on_target(void *arg, struct slice address, struct slice target);
int store_alias_each(struct store *store, store_on_target *on_target, void *arg);

int store_count(struct store *store, uint64_t *ret_accounts, uint64_t *ret_aliases);

#endif
