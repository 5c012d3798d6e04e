/*
 * Passwords and app passwords of accounts, and the store's own secrets. See store_login.h.
 *
 * What is kept is what can verify a password, never (but for CRAM-MD5 secrets) the password.
 */
#include "account/store_sql.h"

#include <errno.h>
#include <string.h>

int store_passwords_find(struct store *store, struct arena *arena, struct slice account,
                         struct store_passwords *ret_passwords)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_PASSWORDS_FIND, account, SLICE_NULL);
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    *ret_passwords = (struct store_passwords){
        .password = arena_dup(arena, sql_column_text(statement, 0)),
        .scram_sha_256 = arena_dup(arena, sql_column_text(statement, 1)),
        .scram_sha_1 = arena_dup(arena, sql_column_text(statement, 2)),
        .cram_secret = arena_dup(arena, sql_column_text(statement, 3)),
    };
    sql_finish(statement);
    return 0;
}

int store_passwords_set(struct store *store, struct slice account,
                        const struct store_passwords *passwords)
{
    sqlite3_stmt *statement;

    if (passwords->password.len == 0 && passwords->scram_sha_256.len == 0 &&
        passwords->scram_sha_1.len == 0 && passwords->cram_secret.len == 0)
        return sql_run(sql_bind(store, STORE_PASSWORDS_REMOVE, account, SLICE_NULL));
    statement = sql_bind(store, STORE_PASSWORDS_SET, account, SLICE_NULL);
    sql_bind_optional(statement, 2, passwords->password);
    sql_bind_optional(statement, 3, passwords->scram_sha_256);
    sql_bind_optional(statement, 4, passwords->scram_sha_1);
    sql_bind_optional(statement, 5, passwords->cram_secret);
    return sql_run(statement);
}

int store_passwords_kinds(struct store *store, struct store_kinds *ret_kinds)
{
    sqlite3_stmt *statement = store->statements[STORE_PASSWORDS_KINDS];
    int r = sql_next_row(statement);

    if (r != 1)
        return r < 0 ? r : -EIO;
    *ret_kinds = (struct store_kinds){
        .password = sqlite3_column_int(statement, 0) != 0,
        .scram_sha_256 = sqlite3_column_int(statement, 1) != 0,
        .scram_sha_1 = sqlite3_column_int(statement, 2) != 0,
        .cram_secret = sqlite3_column_int(statement, 3) != 0,
        .certificates = sqlite3_column_int(statement, 4) != 0,
    };
    sql_finish(statement);
    return 0;
}

int store_app_password_add(struct store *store, const struct store_app_password *app)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_APP_PASSWORD_ADD, app->account, app->name);

    sql_bind_text(statement, 3, app->password);
    sql_bind_text(statement, 4, app->networks);
    sql_bind_u64(statement, 5, app->created_ms);
    return sql_change(store, statement, STORE_EXISTS);
}

int store_app_password_remove(struct store *store, struct slice account, struct slice name)
{
    return sql_change(store, sql_bind(store, STORE_APP_PASSWORD_REMOVE, account, name),
                      STORE_MISSING);
}

int store_app_password_used(struct store *store, struct slice account, struct slice name,
                            uint64_t now_ms, struct slice from)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_APP_PASSWORD_USED, account, name);

    sql_bind_u64(statement, 3, now_ms);
    sql_bind_text(statement, 4, from);
    return sql_change(store, statement, STORE_MISSING);
}

static struct store_app_password read_app(sqlite3_stmt *row, struct arena *arena)
{
    return (struct store_app_password){
        .account = arena_dup(arena, sql_column_text(row, 0)),
        .name = arena_dup(arena, sql_column_text(row, 1)),
        .password = arena_dup(arena, sql_column_text(row, 2)),
        .networks = arena_dup(arena, sql_column_text(row, 3)),
        .created_ms = sql_column_u64(row, 4),
        .used_ms = sql_column_u64(row, 5),
        .used_from = arena_dup(arena, sql_column_text(row, 6)),
    };
}

int store_app_passwords_find(struct store *store, struct arena *arena, struct slice account,
                             struct store_app_password **ret_list, size_t *ret_count)
{
    sqlite3_stmt *statement = sql_bind(store, STORE_APP_PASSWORDS_FIND, account, SLICE_NULL);
    struct store_app_password *list = NULL, *larger;
    size_t count = 0, size = 0;
    int r;

    while ((r = sql_next_row(statement)) == 1) {
        if (count == size) {
            size = size ? 2 * size : 8;
            larger = arena_alloc(arena, size * sizeof(*larger));
            if (count)
                memcpy(larger, list, count * sizeof(*list));
            list = larger;
        }
        list[count++] = read_app(statement, arena);
    }
    if (r < 0)
        return r;
    *ret_list = list;
    *ret_count = count;
    return 0;
}

int store_secret_find(struct store *store, struct slice name,
                      unsigned char ret_bytes[STORE_SECRET_BYTES])
{
    sqlite3_stmt *statement = sql_bind(store, STORE_SECRET_FIND, name, SLICE_NULL);
    int r = sql_next_row(statement);
    const void *bytes;

    if (r != 1)
        return r < 0 ? r : STORE_MISSING;
    bytes = sqlite3_column_blob(statement, 0);
    r = bytes && sqlite3_column_bytes(statement, 0) == STORE_SECRET_BYTES ? 0 : -EIO;
    if (r == 0)
        memcpy(ret_bytes, bytes, STORE_SECRET_BYTES);
    sql_finish(statement);
    return r;
}
