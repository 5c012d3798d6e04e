/*
 * Frozen accounts, and who is blocked from logging in. See store_login.h.
 */
#include "account/store_sql.h"

int store_freeze_add(struct store *store, const struct store_freeze *freeze)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_FREEZE_ADD, freeze->account, SLICE_NULL);

    sql_bind_u64(statement, 2, freeze->since_ms);
    sql_bind_text(statement, 3, freeze->why);
    sqlite3_bind_int(statement, 4, freeze->tell);
    sqlite3_bind_int(statement, 5, freeze->told);
    return sql_change(store, statement, STORE_EXISTS);
}

int store_freeze_remove(struct store *store, struct slice account)
{
    return sql_change(store, sql_bind(store, STORE_FREEZE_REMOVE, account, SLICE_NULL),
                      STORE_MISSING);
}

int store_freeze_told(struct store *store, struct slice account, uint64_t since_ms)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_FREEZE_TOLD, account, SLICE_NULL);

    sql_bind_u64(statement, 2, since_ms);
    return sql_change(store, statement, STORE_MISSING);
}

static struct store_freeze read_freeze(sqlite3_stmt *row)
{
    return (struct store_freeze){
        .account = sql_column_text(row, 0),
        .since_ms = sql_column_u64(row, 1),
        .why = sql_column_text(row, 2),
        .tell = sqlite3_column_int(row, 3) != 0,
        .told = sqlite3_column_int(row, 4) != 0,
    };
}

int store_freeze_find(struct store *store, struct arena *arena, struct slice account,
                      struct store_freeze *ret_freeze)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_FREEZE_FIND, account, SLICE_NULL);
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    *ret_freeze = read_freeze(statement);
    ret_freeze->account = arena_dup(arena, ret_freeze->account);
    ret_freeze->why = arena_dup(arena, ret_freeze->why);
    sql_finish(statement);
    return 0;
}

int store_freeze_each(struct store *store, store_on_freeze *on_freeze, void *arg)
{
    sqlite3_stmt *statement = store->statements[STORE_FREEZE_EACH];
    int r;

    while ((r = sql_next_row(statement)) == 1) {
        struct store_freeze freeze = read_freeze(statement);
        on_freeze(arg, &freeze);
    }
    return r;
}

int store_block_set(struct store *store, const struct store_block *block)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_BLOCK_SET, block->kind, block->subject);

    sql_bind_u64(statement, 3, block->failures);
    sql_bind_u64(statement, 4, block->since_ms);
    sql_bind_u64(statement, 5, block->until_ms);
    return sql_run(statement);
}

int store_block_remove(struct store *store, struct slice kind, struct slice subject)
{
    return sql_change(store, sql_bind(store, STORE_BLOCK_REMOVE, kind, subject), STORE_MISSING);
}

int store_block_expire(struct store *store, uint64_t now_ms)
{
    sqlite3_stmt *statement = store->statements[STORE_BLOCK_EXPIRE];

    sql_bind_u64(statement, 1, now_ms);
    return sql_run(statement);
}

int store_block_each(struct store *store, store_on_block *on_block, void *arg)
{
    sqlite3_stmt *statement = store->statements[STORE_BLOCK_EACH];
    int r;

    while ((r = sql_next_row(statement)) == 1) {
        uint64_t failures = sql_column_u64(statement, 2);
        struct store_block block = {
            .kind = sql_column_text(statement, 0),
            .subject = sql_column_text(statement, 1),
            .failures = failures > UINT32_MAX ? UINT32_MAX : (uint32_t)failures,
            .since_ms = sql_column_u64(statement, 3),
            .until_ms = sql_column_u64(statement, 4),
        };
        on_block(arg, &block);
    }
    return r;
}
