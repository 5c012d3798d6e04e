/*
 * Addresses that an account may send as, and its limits. See store_login.h.
 */
#include "account/store_sql.h"

int store_grant_add(struct store *store, struct slice account, struct slice address)
{
    return sql_change(store, sql_bind(store, STORE_GRANT_ADD, account, address), STORE_EXISTS);
}

int store_grant_remove(struct store *store, struct slice account, struct slice address)
{
    return sql_change(store, sql_bind(store, STORE_GRANT_REMOVE, account, address), STORE_MISSING);
}

int store_grant_find(struct store *store, struct slice account, struct slice address)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_GRANT_FIND, account, address);
    ptrdiff_t at = slice_find_last(address, '@');
    int r;

    if (at >= 0)
        sql_bind_text(statement, 3, slice_skip(address, (size_t)at));
    r = sql_next_row(statement);
    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    sql_finish(statement);
    return 0;
}

int store_grant_each(struct store *store, store_on_grant *on_grant, void *arg)
{
    sqlite3_stmt *statement = store->statements[STORE_GRANT_EACH];
    int r;

    while ((r = sql_next_row(statement)) == 1)
        on_grant(arg, sql_column_text(statement, 0), sql_column_text(statement, 1));
    return r;
}

enum { LIMITS = 5 };

static void as_columns(struct store_limits *limits, int64_t *ret_columns[LIMITS])
{
    ret_columns[0] = &limits->message_size;
    ret_columns[1] = &limits->messages_per_minute;
    ret_columns[2] = &limits->messages_per_hour;
    ret_columns[3] = &limits->recipients_per_hour;
    ret_columns[4] = &limits->bounces_per_hour;
}

int store_limits_find(struct store *store, struct slice account, struct store_limits *ret_limits)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_LIMITS_FIND, account, SLICE_NULL);
    int r = sql_next_row(statement);
    int64_t *columns[LIMITS];

    if (r < 0)
        return r;
    as_columns(ret_limits, columns);
    for (int i = 0; i < LIMITS; i++) {
        bool own = r == 1 && sqlite3_column_type(statement, i) != SQLITE_NULL;
        *columns[i] = own ? sqlite3_column_int64(statement, i) : STORE_LIMIT_DEFAULT;
    }
    if (r == 1)
        sql_finish(statement);
    return 0;
}

int store_limits_set(struct store *store, struct slice account, const struct store_limits *limits)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_LIMITS_SET, account, SLICE_NULL);
    struct store_limits copy = *limits;
    int64_t *columns[LIMITS];
    bool any = false;

    as_columns(&copy, columns);
    for (int i = 0; i < LIMITS; i++) {
        if (*columns[i] == STORE_LIMIT_DEFAULT)
            continue;
        sqlite3_bind_int64(statement, i + 2, *columns[i]);
        any = true;
    }
    if (any)
        return sql_run(statement);
    sql_finish(statement);
    return sql_run(sql_bind(store, STORE_LIMITS_REMOVE, account, SLICE_NULL));
}
