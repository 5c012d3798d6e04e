/*
 * The statements of the account store. See store_sql.h; opening and closing is store.h's.
 *
 * Write-ahead log with full synchronisation: a change that was told as made survives a power cut,
 * and readers never wait for a writer. Every value is bound, none is put into SQL text. Statements
 * are prepared once, so a form of the file that this program does not know fails at the start.
 * SQLite's own bound on waiting for a lock is the caller's patience.
 */
#include "account/store_sql.h"

#include "account/store_schema.h"

#include <errno.h>

#define ACCOUNT_COLUMNS  "address, created_ms, enabled, quota_bytes, quota_messages"
#define PASSWORD_COLUMNS "password, scram_sha_256, scram_sha_1, cram_secret"
#define LIMIT_COLUMNS                                                                              \
    "message_size, messages_per_minute, messages_per_hour, "                                       \
    "recipients_per_hour, bounces_per_hour"
#define APP_COLUMNS    "account, name, password, networks, created_ms, used_ms, used_from"
#define FREEZE_COLUMNS "account, since_ms, why, tell, told"
#define BLOCK_COLUMNS  "kind, subject, failures, since_ms, until_ms"

static const char *const texts[STORE_STATEMENTS] = {
    [STORE_BEGIN_READ] = "BEGIN",
    [STORE_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_ROLLBACK] = "ROLLBACK",
    [STORE_DATA_VERSION] = "PRAGMA data_version",
    [STORE_ACCOUNT_ADD] = "INSERT INTO accounts (" ACCOUNT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5) "
                          "ON CONFLICT DO NOTHING",
    [STORE_ACCOUNT_REMOVE] = "DELETE FROM accounts WHERE address = ?1",
    [STORE_ACCOUNT_SET_QUOTA] = "UPDATE accounts SET quota_bytes = ?4, quota_messages = ?5 "
                                "WHERE address = ?1",
    [STORE_ACCOUNT_SET_ENABLED] = "UPDATE accounts SET enabled = ?2 WHERE address = ?1",
    [STORE_ACCOUNT_FIND] = "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE address = ?1",
    [STORE_ACCOUNT_EACH] = "SELECT " ACCOUNT_COLUMNS " FROM accounts ORDER BY address",
    [STORE_ALIAS_ADD] = "INSERT INTO aliases (address, position, target) VALUES (?1, "
                        "(SELECT coalesce(max(position), 0) + 1 FROM aliases WHERE address = ?1), "
                        "?2) ON CONFLICT DO NOTHING",
    [STORE_ALIAS_REMOVE] = "DELETE FROM aliases WHERE address = ?1",
    [STORE_ALIAS_REMOVE_TARGET] = "DELETE FROM aliases WHERE address = ?1 AND target = ?2",
    [STORE_ALIAS_SIZE] = "SELECT count(*), coalesce(sum(length(CAST(target AS BLOB))), 0) "
                         "FROM aliases WHERE address = ?1",
    [STORE_ALIAS_FIND] = "SELECT target FROM aliases WHERE address = ?1 ORDER BY position",
    [STORE_ALIAS_EACH] = "SELECT address, target FROM aliases ORDER BY address, position",
    [STORE_COUNT] = "SELECT (SELECT count(*) FROM accounts), "
                    "(SELECT count(DISTINCT address) FROM aliases)",

    [STORE_PASSWORDS_FIND] = "SELECT " PASSWORD_COLUMNS " FROM passwords WHERE account = ?1",
    [STORE_PASSWORDS_SET] = "INSERT OR REPLACE INTO passwords (account, " PASSWORD_COLUMNS ") "
                            "VALUES (?1, ?2, ?3, ?4, ?5)",
    [STORE_PASSWORDS_REMOVE] = "DELETE FROM passwords WHERE account = ?1",
    [STORE_PASSWORDS_KINDS] = "SELECT EXISTS (SELECT 1 FROM passwords WHERE password IS NOT NULL) "
                              "OR EXISTS (SELECT 1 FROM app_passwords), "
                              "EXISTS (SELECT 1 FROM passwords WHERE scram_sha_256 IS NOT NULL) "
                              "AND NOT EXISTS (SELECT 1 FROM passwords WHERE password IS NOT NULL "
                              "AND scram_sha_256 IS NULL), "
                              "EXISTS (SELECT 1 FROM passwords WHERE scram_sha_1 IS NOT NULL) "
                              "AND NOT EXISTS (SELECT 1 FROM passwords WHERE password IS NOT NULL "
                              "AND scram_sha_1 IS NULL), "
                              "EXISTS (SELECT 1 FROM passwords WHERE cram_secret IS NOT NULL), "
                              "EXISTS (SELECT 1 FROM certificates)",
    [STORE_SECRET_FIND] = "SELECT value FROM secrets WHERE name = ?1",

    [STORE_APP_PASSWORD_ADD] = "INSERT INTO app_passwords (" APP_COLUMNS ") "
                               "VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL) ON CONFLICT DO NOTHING",
    [STORE_APP_PASSWORD_REMOVE] = "DELETE FROM app_passwords WHERE account = ?1 AND name = ?2",
    [STORE_APP_PASSWORD_USED] = "UPDATE app_passwords SET used_ms = ?3, used_from = ?4 "
                                "WHERE account = ?1 AND name = ?2",
    [STORE_APP_PASSWORDS_FIND] = "SELECT " APP_COLUMNS " FROM app_passwords WHERE account = ?1 "
                                 "ORDER BY name",
    [STORE_APP_PASSWORDS_REMOVE] = "DELETE FROM app_passwords WHERE account = ?1",

    [STORE_FACTOR_FIND] = "SELECT required, totp_key, totp_last FROM factors WHERE account = ?1",
    /* The last code that counted goes back only with another key: a login may come in between
     * reading and writing. */
    [STORE_FACTOR_SET] =
        "INSERT INTO factors (account, required, totp_key, totp_last) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT DO UPDATE SET required = excluded.required, totp_key = excluded.totp_key, "
        "totp_last = CASE WHEN totp_key IS excluded.totp_key "
        "THEN max(totp_last, excluded.totp_last) ELSE excluded.totp_last END",
    [STORE_FACTOR_USE] = "UPDATE factors SET totp_last = ?2 WHERE account = ?1 AND totp_last < ?2",
    [STORE_FACTOR_REMOVE] = "DELETE FROM factors WHERE account = ?1",

    [STORE_CERTIFICATE_ADD] = "INSERT INTO certificates (account, fingerprint, created_ms) "
                              "VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [STORE_CERTIFICATE_REMOVE] = "DELETE FROM certificates WHERE fingerprint = ?1",
    [STORE_CERTIFICATE_FIND] = "SELECT account FROM certificates WHERE fingerprint = ?1",
    [STORE_CERTIFICATE_EACH] = "SELECT account, fingerprint FROM certificates "
                               "ORDER BY account, fingerprint",
    [STORE_CERTIFICATES_REMOVE] = "DELETE FROM certificates WHERE account = ?1",

    [STORE_GRANT_ADD] = "INSERT INTO grants (account, address) VALUES (?1, ?2) "
                        "ON CONFLICT DO NOTHING",
    [STORE_GRANT_REMOVE] = "DELETE FROM grants WHERE account = ?1 AND address = ?2",
    [STORE_GRANT_FIND] = "SELECT 1 FROM grants WHERE account = ?1 AND address IN (?2, ?3)",
    [STORE_GRANT_EACH] = "SELECT account, address FROM grants ORDER BY account, address",
    [STORE_GRANTS_REMOVE] = "DELETE FROM grants WHERE account = ?1",

    [STORE_LIMITS_FIND] = "SELECT " LIMIT_COLUMNS " FROM limits WHERE account = ?1",
    [STORE_LIMITS_SET] = "INSERT OR REPLACE INTO limits (account, " LIMIT_COLUMNS ") "
                         "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_LIMITS_REMOVE] = "DELETE FROM limits WHERE account = ?1",

    [STORE_FREEZE_ADD] = "INSERT INTO freezes (" FREEZE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5) "
                         "ON CONFLICT DO NOTHING",
    [STORE_FREEZE_REMOVE] = "DELETE FROM freezes WHERE account = ?1",
    [STORE_FREEZE_TOLD] = "UPDATE freezes SET told = 1 WHERE account = ?1 AND since_ms = ?2",
    [STORE_FREEZE_FIND] = "SELECT " FREEZE_COLUMNS " FROM freezes WHERE account = ?1",
    [STORE_FREEZE_EACH] = "SELECT " FREEZE_COLUMNS " FROM freezes ORDER BY account",

    [STORE_BLOCK_SET] = "INSERT OR REPLACE INTO blocks (" BLOCK_COLUMNS ") "
                        "VALUES (?1, ?2, ?3, ?4, ?5)",
    [STORE_BLOCK_REMOVE] = "DELETE FROM blocks WHERE kind = ?1 AND subject = ?2",
    [STORE_BLOCK_EXPIRE] = "DELETE FROM blocks WHERE until_ms <= ?1",
    [STORE_BLOCK_EACH] = "SELECT " BLOCK_COLUMNS " FROM blocks ORDER BY kind, subject",
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

    for (size_t i = 0; r == 0 && i < STORE_STATEMENTS; i++) {
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
    for (size_t i = 0; i < STORE_STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    free(store);
}

const char *store_error(struct store *store)
{
    return sqlite3_errmsg(store->db);
}

sqlite3_stmt *sql_bind(struct store *store, enum store_statement which, struct slice first,
                       struct slice second)
{
    sqlite3_stmt *statement = store->statements[which];

    if (first.ptr)
        sql_bind_text(statement, 1, first);
    if (second.ptr)
        sql_bind_text(statement, 2, second);
    return statement;
}

void sql_bind_text(sqlite3_stmt *statement, int n, struct slice text)
{
    sqlite3_bind_text64(statement, n, text.len ? text.ptr : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

void sql_bind_optional(sqlite3_stmt *statement, int n, struct slice text)
{
    if (text.len)
        sql_bind_text(statement, n, text);
}

void sql_bind_u64(sqlite3_stmt *statement, int n, uint64_t value)
{
    sqlite3_bind_int64(statement, n, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void sql_finish(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

int sql_run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    sql_finish(statement);
    return code == SQLITE_DONE ? 0 : failure(code);
}

int sql_change(struct store *store, sqlite3_stmt *statement, enum store_result otherwise)
{
    int r = sql_run(statement);

    if (r == 0 && sqlite3_changes(store->db) == 0)
        return (int)otherwise;
    return r;
}

int sql_next_row(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW)
        return 1;
    sql_finish(statement);
    return code == SQLITE_DONE ? 0 : failure(code);
}

struct slice sql_column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    return text ? slice_from(text, (size_t)sqlite3_column_bytes(statement, column)) : SLICE_NULL;
}

uint64_t sql_column_u64(sqlite3_stmt *statement, int column)
{
    int64_t value = sqlite3_column_int64(statement, column);

    return value < 0 ? 0 : (uint64_t)value;
}
