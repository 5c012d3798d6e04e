/*
 * For the files store_*.c alone: the prepared statements of the store, and how a value gets into
 * one and out again. Nothing is ever put into SQL text.
 */
#ifndef NUNCIO_ACCOUNT_STORE_SQL_H
#define NUNCIO_ACCOUNT_STORE_SQL_H

#include "account/store_login.h"

#include <sqlite3.h>

enum store_statement {
    STORE_BEGIN_READ,
    STORE_BEGIN_WRITE,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_DATA_VERSION,
    STORE_ACCOUNT_ADD,
    STORE_ACCOUNT_REMOVE,
    STORE_ACCOUNT_SET_QUOTA,
    STORE_ACCOUNT_SET_ENABLED,
    STORE_ACCOUNT_FIND,
    STORE_ACCOUNT_EACH,
    STORE_ALIAS_ADD,
    STORE_ALIAS_REMOVE,
    STORE_ALIAS_REMOVE_TARGET,
    STORE_ALIAS_SIZE,
    STORE_ALIAS_FIND,
    STORE_ALIAS_EACH,
    STORE_COUNT,
    STORE_PASSWORDS_FIND,
    STORE_PASSWORDS_SET,
    STORE_PASSWORDS_REMOVE,
    STORE_PASSWORDS_KINDS,
    STORE_SECRET_FIND,
    STORE_APP_PASSWORD_ADD,
    STORE_APP_PASSWORD_REMOVE,
    STORE_APP_PASSWORD_USED,
    STORE_APP_PASSWORDS_FIND,
    STORE_APP_PASSWORDS_REMOVE,
    STORE_FACTOR_FIND,
    STORE_FACTOR_SET,
    STORE_FACTOR_USE,
    STORE_FACTOR_REMOVE,
    STORE_CERTIFICATE_ADD,
    STORE_CERTIFICATE_REMOVE,
    STORE_CERTIFICATE_FIND,
    STORE_CERTIFICATE_EACH,
    STORE_CERTIFICATES_REMOVE,
    STORE_GRANT_ADD,
    STORE_GRANT_REMOVE,
    STORE_GRANT_FIND,
    STORE_GRANT_EACH,
    STORE_GRANTS_REMOVE,
    STORE_LIMITS_FIND,
    STORE_LIMITS_SET,
    STORE_LIMITS_REMOVE,
    STORE_FREEZE_ADD,
    STORE_FREEZE_REMOVE,
    STORE_FREEZE_TOLD,
    STORE_FREEZE_FIND,
    STORE_FREEZE_EACH,
    STORE_BLOCK_SET,
    STORE_BLOCK_REMOVE,
    STORE_BLOCK_EXPIRE,
    STORE_BLOCK_EACH,
    STORE_STATEMENTS,
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS];
};

/* The statement with its first two values; those without a pointer are left for later. What is
 * bound must stay until the statement was run. */
sqlite3_stmt *sql_bind(struct store *store, enum store_statement which, struct slice first,
                       struct slice second);
/* Value n; an empty one is the empty text, or (optional) NULL. */
void sql_bind_text(sqlite3_stmt *statement, int n, struct slice text);
void sql_bind_optional(sqlite3_stmt *statement, int n, struct slice text);
void sql_bind_u64(sqlite3_stmt *statement, int n, uint64_t value);

/* Runs a statement that returns no row. */
int sql_run(sqlite3_stmt *statement);
/* The same for one that must change something. */
int sql_change(struct store *store, sqlite3_stmt *statement, enum store_result otherwise);
/* 1: there is a row; 0: there is none any more; -errno. Finishes the statement but for a row. */
int sql_next_row(sqlite3_stmt *statement);
/* Done with it before its last row. Nothing of what was bound is kept. */
void sql_finish(sqlite3_stmt *statement);

/* Valid until the next row; empty for NULL. */
struct slice sql_column_text(sqlite3_stmt *statement, int column);
uint64_t sql_column_u64(sqlite3_stmt *statement, int column); /* 0 for NULL or negative */

/* store_login_forget() within a transaction. */
int store_login_forget_locked(struct store *store, struct slice account);

#endif
