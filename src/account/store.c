/*
 * Accounts and aliases in SQLite. See store.h.
 *
 * The statements themselves, opening and closing are store_sql.c's part, forms of the file
 * store_schema.c's, and what logging in needs is in the other files store_*.c.
 */
#include "account/store.h"

#include "account/store_sql.h"

#include <errno.h>
#include <sqlite3.h>

int store_version(struct store *store, uint64_t *ret_version)
{
    sqlite3_stmt *statement = store->statements[STORE_DATA_VERSION];
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : -EIO;
    *ret_version = sql_column_u64(statement, 0);
    sql_finish(statement);
    return 0;
}

int store_read_begin(struct store *store)
{
    return sql_run(store->statements[STORE_BEGIN_READ]);
}

void store_read_end(struct store *store)
{
    sql_run(store->statements[STORE_COMMIT]);
}

int store_write_begin(struct store *store)
{
    return sql_run(store->statements[STORE_BEGIN_WRITE]);
}

int store_write_end(struct store *store, int result)
{
    if (result == 0)
        result = sql_run(store->statements[STORE_COMMIT]);
    if (result != 0)
        sql_run(store->statements[STORE_ROLLBACK]);
    return result;
}

static sqlite3_stmt *bind_quota(struct store *store, enum store_statement which,
                                const struct store_account *account)
{
    sqlite3_stmt *statement = sql_bind(store, which, account->address, SLICE_NULL);

    if (account->own_quota)
        sqlite3_bind_int64(statement, 4, (int64_t)account->quota_bytes);
    sqlite3_bind_int64(statement, 5, account->quota_messages);
    return statement;
}

int store_account_add(struct store *store, const struct store_account *account)
{
    sqlite3_stmt *statement = bind_quota(store, STORE_ACCOUNT_ADD, account);

    sqlite3_bind_int64(statement, 2, (int64_t)account->created_ms);
    sqlite3_bind_int(statement, 3, account->enabled);
    return sql_change(store, statement, STORE_EXISTS);
}

int store_account_remove(struct store *store, struct slice address)
{
    int r = store_write_begin(store);

    if (r < 0)
        return r;
    r = sql_change(store, sql_bind(store, STORE_ACCOUNT_REMOVE, address, SLICE_NULL),
                   STORE_MISSING);
    if (r == 0)
        r = store_login_forget_locked(store, address);
    return store_write_end(store, r);
}

int store_account_set_enabled(struct store *store, struct slice address, bool enabled)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_ACCOUNT_SET_ENABLED, address, SLICE_NULL);

    sqlite3_bind_int(statement, 2, enabled);
    return sql_change(store, statement, STORE_MISSING);
}

int store_account_set_quota(struct store *store, const struct store_account *account)
{
    return sql_change(store, bind_quota(store, STORE_ACCOUNT_SET_QUOTA, account), STORE_MISSING);
}

static struct store_account read_account(sqlite3_stmt *row)
{
    uint64_t messages = sql_column_u64(row, 4);

    return (struct store_account){
        .address = sql_column_text(row, 0),
        .created_ms = sql_column_u64(row, 1),
        .enabled = sqlite3_column_int(row, 2) != 0,
        .own_quota = sqlite3_column_type(row, 3) != SQLITE_NULL,
        .quota_bytes = sql_column_u64(row, 3),
        .quota_messages = messages > UINT32_MAX ? UINT32_MAX : (uint32_t)messages,
    };
}

int store_account_find(struct store *store, struct arena *arena, struct slice address,
                       struct store_account *ret_account)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_ACCOUNT_FIND, address, SLICE_NULL);
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    *ret_account = read_account(statement);
    ret_account->address = arena_dup(arena, ret_account->address);
    sql_finish(statement);
    return 0;
}

int store_account_each(struct store *store, store_on_account *on_account, void *arg)
{
    sqlite3_stmt *statement = store->statements[STORE_ACCOUNT_EACH];
    int r;

    while ((r = sql_next_row(statement)) == 1) {
        struct store_account account = read_account(statement);
        on_account(arg, &account);
    }
    return r;
}

/* Whether the alias is within its bounds. */
static int check_size(struct store *store, struct slice address)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_ALIAS_SIZE, address, SLICE_NULL);
    int r = sql_next_row(statement);
    bool fits;

    if (r != 1)
        return r < 0 ? r : -EIO;
    fits = sql_column_u64(statement, 0) <= STORE_TARGETS_MAX &&
           sql_column_u64(statement, 1) <= STORE_TARGETS_BYTES_MAX;
    sql_finish(statement);
    return fits ? 0 : STORE_TOO_LARGE;
}

int store_alias_add(struct store *store, struct slice address, const struct slice *targets,
                    size_t n_targets)
{
    int r = store_write_begin(store);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n_targets; i++)
        r = sql_run(sql_bind(store, STORE_ALIAS_ADD, address, targets[i]));
    if (r == 0)
        r = check_size(store, address);
    return store_write_end(store, r);
}

int store_alias_remove(struct store *store, struct slice address, struct slice target)
{
    if (target.len == 0)
        return sql_change(store, sql_bind(store, STORE_ALIAS_REMOVE, address, SLICE_NULL),
                          STORE_MISSING);
    return sql_change(store, sql_bind(store, STORE_ALIAS_REMOVE_TARGET, address, target),
                      STORE_MISSING);
}

int store_alias_find(struct store *store, struct arena *arena, struct slice address,
                     struct store_targets *ret_targets)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_ALIAS_FIND, address, SLICE_NULL);
    struct store_targets targets = {0};
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    targets.list = arena_alloc(arena, STORE_TARGETS_MAX * sizeof(*targets.list));
    for (; r == 1; r = sql_next_row(statement)) {
        if (targets.count < STORE_TARGETS_MAX)
            targets.list[targets.count++] = arena_dup(arena, sql_column_text(statement, 0));
    }
    if (r == 0)
        *ret_targets = targets;
    return r;
}

int store_alias_each(struct store *store, store_on_target *on_target, void *arg)
{
    sqlite3_stmt *statement = store->statements[STORE_ALIAS_EACH];
    int r;

    while ((r = sql_next_row(statement)) == 1)
        on_target(arg, sql_column_text(statement, 0), sql_column_text(statement, 1));
    return r;
}

int store_count(struct store *store, uint64_t *ret_accounts, uint64_t *ret_aliases)
{
    sqlite3_stmt *statement = store->statements[STORE_COUNT];
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : -EIO;
    *ret_accounts = sql_column_u64(statement, 0);
    *ret_aliases = sql_column_u64(statement, 1);
    sql_finish(statement);
    return 0;
}
