/*
 * Accounts and aliases in SQLite. See store.h.
 *
 * Write-ahead log with full synchronisation: a change that was told as made survives a power cut,
 * and readers never wait for a writer. Every value is bound, none is put into SQL text. Statements
 * are prepared once. SQLite's own bound on waiting for a lock is the caller's patience.
 *
 * Opening and upgrading is store_schema.c's part.
 */
#include "account/store.h"

#include "account/store_schema.h"

#include <errno.h>
#include <sqlite3.h>

enum statement {
    BEGIN_READ,
    BEGIN_WRITE,
    COMMIT,
    ROLLBACK,
    DATA_VERSION,
    ACCOUNT_ADD,
    ACCOUNT_REMOVE,
    ACCOUNT_SET_QUOTA,
    ACCOUNT_FIND,
    ACCOUNT_EACH,
    ALIAS_ADD,
    ALIAS_REMOVE,
    ALIAS_REMOVE_TARGET,
    ALIAS_SIZE,
    ALIAS_FIND,
    ALIAS_EACH,
    COUNT,
    STATEMENTS,
};

#define ACCOUNT_COLUMNS "address, created_ms, enabled, quota_bytes, quota_messages"

static const char *const texts[STATEMENTS] = {
    [BEGIN_READ] = "BEGIN",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [DATA_VERSION] = "PRAGMA data_version",
    [ACCOUNT_ADD] = "INSERT INTO accounts (" ACCOUNT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5) "
                    "ON CONFLICT DO NOTHING",
    [ACCOUNT_REMOVE] = "DELETE FROM accounts WHERE address = ?1",
    [ACCOUNT_SET_QUOTA] = "UPDATE accounts SET quota_bytes = ?4, quota_messages = ?5 "
                          "WHERE address = ?1",
    [ACCOUNT_FIND] = "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE address = ?1",
    [ACCOUNT_EACH] = "SELECT " ACCOUNT_COLUMNS " FROM accounts ORDER BY address",
    [ALIAS_ADD] = "INSERT INTO aliases (address, position, target) VALUES (?1, "
                  "(SELECT coalesce(max(position), 0) + 1 FROM aliases WHERE address = ?1), ?2) "
                  "ON CONFLICT DO NOTHING",
    [ALIAS_REMOVE] = "DELETE FROM aliases WHERE address = ?1",
    [ALIAS_REMOVE_TARGET] = "DELETE FROM aliases WHERE address = ?1 AND target = ?2",
    [ALIAS_SIZE] = "SELECT count(*), coalesce(sum(length(CAST(target AS BLOB))), 0) "
                   "FROM aliases WHERE address = ?1",
    [ALIAS_FIND] = "SELECT target FROM aliases WHERE address = ?1 ORDER BY position",
    [ALIAS_EACH] = "SELECT address, target FROM aliases ORDER BY address, position",
    [COUNT] = "SELECT (SELECT count(*) FROM accounts), "
              "(SELECT count(DISTINCT address) FROM aliases)",
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

static int failure(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    default:
        return -EIO;
    }
}

int store_open(struct slice path, unsigned patience_ms, struct store **ret_store,
               struct problem_list *problems)
{
    struct store *store = xcalloc(1, sizeof(*store));
    int r = store_schema_open(path, patience_ms, &store->db, problems);

    for (size_t i = 0; r == 0 && i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[i], NULL) == SQLITE_OK)
            continue;
        r = failure(sqlite3_errcode(store->db));
        problem_add(problems, path, 0, "%s", sqlite3_errmsg(store->db));
    }
    if (r < 0) {
        store_close(store);
        return r;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    free(store);
}

const char *store_error(struct store *store)
{
    return sqlite3_errmsg(store->db);
}

static sqlite3_stmt *bind(struct store *store, enum statement which, struct slice first,
                          struct slice second)
{
    sqlite3_stmt *statement = store->statements[which];

    if (first.ptr)
        sqlite3_bind_text64(statement, 1, first.ptr, first.len, SQLITE_STATIC, SQLITE_UTF8);
    if (second.ptr)
        sqlite3_bind_text64(statement, 2, second.ptr, second.len, SQLITE_STATIC, SQLITE_UTF8);
    return statement;
}

/* What was bound belongs to the caller, so nothing of it is kept. */
static void finish(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* Runs a statement that returns no row. */
static int run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    finish(statement);
    return code == SQLITE_DONE ? 0 : failure(code);
}

/* The same for one that must change something. */
static int change(struct store *store, sqlite3_stmt *statement, enum store_result otherwise)
{
    int r = run(statement);

    if (r == 0 && sqlite3_changes(store->db) == 0)
        return (int)otherwise;
    return r;
}

/* 1: there is a row; 0: there is none any more; -errno. Finishes the statement but for a row. */
static int next_row(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW)
        return 1;
    finish(statement);
    return code == SQLITE_DONE ? 0 : failure(code);
}

static struct slice column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    return text ? slice_from(text, (size_t)sqlite3_column_bytes(statement, column)) : SLICE_NULL;
}

static uint64_t column_u64(sqlite3_stmt *statement, int column)
{
    int64_t value = sqlite3_column_int64(statement, column);

    return value < 0 ? 0 : (uint64_t)value;
}

int store_version(struct store *store, uint64_t *ret_version)
{
    sqlite3_stmt *statement = store->statements[DATA_VERSION];
    int r = next_row(statement);

    if (r != 1)
        return r < 0 ? r : -EIO;
    *ret_version = column_u64(statement, 0);
    finish(statement);
    return 0;
}

int store_read_begin(struct store *store)
{
    return run(store->statements[BEGIN_READ]);
}

void store_read_end(struct store *store)
{
    run(store->statements[COMMIT]);
}

static sqlite3_stmt *bind_quota(struct store *store, enum statement which,
                                const struct store_account *account)
{
    sqlite3_stmt *statement = bind(store, which, account->address, SLICE_NULL);

    if (account->own_quota)
        sqlite3_bind_int64(statement, 4, (int64_t)account->quota_bytes);
    sqlite3_bind_int64(statement, 5, account->quota_messages);
    return statement;
}

int store_account_add(struct store *store, const struct store_account *account)
{
    sqlite3_stmt *statement = bind_quota(store, ACCOUNT_ADD, account);

    sqlite3_bind_int64(statement, 2, (int64_t)account->created_ms);
    sqlite3_bind_int(statement, 3, account->enabled);
    return change(store, statement, STORE_EXISTS);
}

int store_account_remove(struct store *store, struct slice address)
{
    return change(store, bind(store, ACCOUNT_REMOVE, address, SLICE_NULL), STORE_MISSING);
}

int store_account_set_quota(struct store *store, const struct store_account *account)
{
    return change(store, bind_quota(store, ACCOUNT_SET_QUOTA, account), STORE_MISSING);
}

static struct store_account read_account(sqlite3_stmt *row)
{
    uint64_t messages = column_u64(row, 4);

    return (struct store_account){
        .address = column_text(row, 0),
        .created_ms = column_u64(row, 1),
        .enabled = sqlite3_column_int(row, 2) != 0,
        .own_quota = sqlite3_column_type(row, 3) != SQLITE_NULL,
        .quota_bytes = column_u64(row, 3),
        .quota_messages = messages > UINT32_MAX ? UINT32_MAX : (uint32_t)messages,
    };
}

int store_account_find(struct store *store, struct arena *arena, struct slice address,
                       struct store_account *ret_account)
{
    sqlite3_stmt *statement = bind(store, ACCOUNT_FIND, address, SLICE_NULL);
    int r = next_row(statement);

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    *ret_account = read_account(statement);
    ret_account->address = arena_dup(arena, ret_account->address);
    finish(statement);
    return 0;
}

int store_account_each(struct store *store, store_on_account *on_account, void *arg)
{
    sqlite3_stmt *statement = store->statements[ACCOUNT_EACH];
    int r;

    while ((r = next_row(statement)) == 1) {
        struct store_account account = read_account(statement);
        on_account(arg, &account);
    }
    return r;
}

/* Whether the alias is within its bounds. */
static int check_size(struct store *store, struct slice address)
{
    sqlite3_stmt *statement = bind(store, ALIAS_SIZE, address, SLICE_NULL);
    int r = next_row(statement);
    bool fits;

    if (r != 1)
        return r < 0 ? r : -EIO;
    fits = column_u64(statement, 0) <= STORE_TARGETS_MAX &&
           column_u64(statement, 1) <= STORE_TARGETS_BYTES_MAX;
    finish(statement);
    return fits ? 0 : STORE_TOO_LARGE;
}

int store_alias_add(struct store *store, struct slice address, const struct slice *targets,
                    size_t n_targets)
{
    int r = run(store->statements[BEGIN_WRITE]);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n_targets; i++)
        r = run(bind(store, ALIAS_ADD, address, targets[i]));
    if (r == 0)
        r = check_size(store, address);
    if (r == 0)
        r = run(store->statements[COMMIT]);
    if (r != 0)
        run(store->statements[ROLLBACK]);
    return r;
}

int store_alias_remove(struct store *store, struct slice address, struct slice target)
{
    if (target.len == 0)
        return change(store, bind(store, ALIAS_REMOVE, address, SLICE_NULL), STORE_MISSING);
    return change(store, bind(store, ALIAS_REMOVE_TARGET, address, target), STORE_MISSING);
}

int store_alias_find(struct store *store, struct arena *arena, struct slice address,
                     struct store_targets *ret_targets)
{
    sqlite3_stmt *statement = bind(store, ALIAS_FIND, address, SLICE_NULL);
    struct store_targets targets = {0};
    int r = next_row(statement);

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    targets.list = arena_alloc(arena, STORE_TARGETS_MAX * sizeof(*targets.list));
    for (; r == 1; r = next_row(statement)) {
        if (targets.count < STORE_TARGETS_MAX)
            targets.list[targets.count++] = arena_dup(arena, column_text(statement, 0));
    }
    if (r == 0)
        *ret_targets = targets;
    return r;
}

int store_alias_each(struct store *store, store_on_target *on_target, void *arg)
{
    sqlite3_stmt *statement = store->statements[ALIAS_EACH];
    int r;

    while ((r = next_row(statement)) == 1)
        on_target(arg, column_text(statement, 0), column_text(statement, 1));
    return r;
}

int store_count(struct store *store, uint64_t *ret_accounts, uint64_t *ret_aliases)
{
    sqlite3_stmt *statement = store->statements[COUNT];
    int r = next_row(statement);

    if (r != 1)
        return r < 0 ? r : -EIO;
    *ret_accounts = column_u64(statement, 0);
    *ret_aliases = column_u64(statement, 1);
    finish(statement);
    return 0;
}
