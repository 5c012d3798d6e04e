/*
 * Second factors and client certificates of accounts. See store_login.h.
 *
 * A one-time code counts once: raising the time step is one conditional update, so two logins with
 * the same code at the same moment cannot both find it unused, in whatever process they are.
 */
#include "account/store_sql.h"

int store_factor_find(struct store *store, struct arena *arena, struct slice account,
                      struct store_factor *ret_factor)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_FACTOR_FIND, account, SLICE_NULL);
    int r = sql_next_row(statement);
    const void *key;

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    *ret_factor = (struct store_factor){.required = sqlite3_column_int(statement, 0) != 0,
                                        .totp_last = sql_column_u64(statement, 2)};
    key = sqlite3_column_blob(statement, 1);
    if (key)
        ret_factor->totp_key =
            arena_dup(arena, slice_from(key, (size_t)sqlite3_column_bytes(statement, 1)));
    sql_finish(statement);
    return 0;
}

int store_factor_set(struct store *store, struct slice account, const struct store_factor *factor)
{
    sqlite3_stmt *statement;

    if (!factor->required && factor->totp_key.len == 0)
        return sql_run(sql_bind(store, STORE_FACTOR_REMOVE, account, SLICE_NULL));
    statement = sql_bind(store, STORE_FACTOR_SET, account, SLICE_NULL);
    sqlite3_bind_int(statement, 2, factor->required);
    if (factor->totp_key.len)
        sqlite3_bind_blob64(statement, 3, factor->totp_key.ptr, factor->totp_key.len,
                            SQLITE_STATIC);
    sql_bind_u64(statement, 4, factor->totp_last);
    return sql_run(statement);
}

int store_factor_use(struct store *store, struct slice account, uint64_t step)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_FACTOR_USE, account, SLICE_NULL);

    sql_bind_u64(statement, 2, step);
    return sql_change(store, statement, STORE_EXISTS);
}

int store_certificate_add(struct store *store, struct slice account, struct slice fingerprint,
                          uint64_t now_ms)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_CERTIFICATE_ADD, account, fingerprint);

    sql_bind_u64(statement, 3, now_ms);
    return sql_change(store, statement, STORE_EXISTS);
}

int store_certificate_remove(struct store *store, struct slice fingerprint)
{
    return sql_change(store, sql_bind(store, STORE_CERTIFICATE_REMOVE, fingerprint, SLICE_NULL),
                      STORE_MISSING);
}

int store_certificate_find(struct store *store, struct arena *arena, struct slice fingerprint,
                           struct slice *ret_account)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_CERTIFICATE_FIND, fingerprint, SLICE_NULL);
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    *ret_account = arena_dup(arena, sql_column_text(statement, 0));
    sql_finish(statement);
    return 0;
}

int store_certificate_each(struct store *store, store_on_certificate *on_certificate, void *arg)
{
    sqlite3_stmt *statement = store->statements[STORE_CERTIFICATE_EACH];
    int r;

    while ((r = sql_next_row(statement)) == 1)
        on_certificate(arg, sql_column_text(statement, 0), sql_column_text(statement, 1));
    return r;
}
