/* See report_file.h. */
#include "history/report_file.h"

#include "history/sqlite_failure.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 3000, PAGE = 4096, PATH_ROOM = 4096 + 16 };

int report_file_run(sqlite3 *db, const char *sql)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : sqlite_failure(code);
}

int report_file_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement)
{
    int code = sqlite3_prepare_v2(db, sql, -1, ret_statement, NULL);

    return code == SQLITE_OK ? 0 : sqlite_failure(code);
}

void report_file_bind(sqlite3_stmt *statement, int at, struct slice text)
{
    sqlite3_bind_text(statement, at, text.ptr ? text.ptr : "", (int)text.len, SQLITE_TRANSIENT);
}

void report_file_bind_blob(sqlite3_stmt *statement, int at, struct slice bytes)
{
    sqlite3_bind_blob(statement, at, bytes.ptr ? bytes.ptr : "", (int)bytes.len, SQLITE_TRANSIENT);
}

int report_file_end(sqlite3_stmt *statement, int code)
{
    sqlite3_finalize(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : sqlite_failure(code);
}

int report_file_finish(sqlite3_stmt *statement)
{
    return report_file_end(statement, sqlite3_step(statement));
}

int report_file_number(sqlite3_stmt *statement, int64_t *ret_number)
{
    int code = sqlite3_step(statement);

    *ret_number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return report_file_end(statement, code);
}

struct slice report_file_column(sqlite3_stmt *statement, int at)
{
    const void *bytes = sqlite3_column_blob(statement, at);

    return slice_from(bytes, (size_t)sqlite3_column_bytes(statement, at));
}

int report_file_expire(sqlite3 *db, int64_t oldest_s, int64_t most, unsigned more)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(db,
                                "DELETE FROM report WHERE received < ?1"
                                " OR id <= (SELECT max(id) FROM report) - ?2"
                                " OR id IN (SELECT id FROM report ORDER BY id LIMIT ?3)",
                                &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, oldest_s);
    sqlite3_bind_int64(statement, 2, most);
    sqlite3_bind_int64(statement, 3, more);
    return report_file_finish(statement);
}

/* ---- opening -------------------------------------------------------------------------------- */

static int check_form(sqlite3 *db, const struct report_file_form *form)
{
    sqlite3_stmt *statement;
    int64_t number;
    int r = report_file_prepare(db, "PRAGMA user_version", &statement);

    if (r == 0)
        r = report_file_number(statement, &number);
    if (r < 0)
        return r;
    return number > form->form ? -ENOTSUP : 0;
}

static int open_db(const char *path, int flags, const struct report_file_form *form,
                   sqlite3 **ret_db)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOFOLLOW, NULL);
    int r = code == SQLITE_OK ? 0 : sqlite_failure(code);

    if (r == 0) {
        sqlite3_busy_timeout(db, PATIENCE_MS);
        r = check_form(db, form);
    }
    if (r == 0)
        *ret_db = db;
    else
        sqlite3_close(db);
    return r;
}

/* The log stays when the last one closes, so that who may only read can open the file. */
static int use_log(sqlite3 *db)
{
    int persist = 1;
    int r = report_file_run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                                "PRAGMA journal_size_limit = 16777216;");

    if (r == 0)
        (void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
    return r;
}

static int prepare(sqlite3 *db, const struct report_file_form *form)
{
    char bound[64];
    int r = form->often ? use_log(db) : 0;

    snprintf(bound, sizeof(bound), "PRAGMA max_page_count = %d",
             form->size_mib * (1024 * 1024 / PAGE));
    if (r == 0)
        r = report_file_run(db, bound);
    if (r == 0)
        r = report_file_run(db, "PRAGMA foreign_keys = ON");
    return r < 0 ? r : report_file_run(db, form->schema);
}

static int open_write(const char *path, const struct report_file_form *form, sqlite3 **ret_db)
{
    sqlite3 *db = NULL;
    int r = open_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, form, &db);

    if (r < 0)
        return r;
    /* As the folder: readable for those who may read the history. */
    (void)chmod(path, 0640);
    r = prepare(db, form);
    if (r < 0)
        sqlite3_close(db);
    else
        *ret_db = db;
    return r;
}

int report_file_open(const char *path, const struct report_file_form *form, sqlite3 **ret_db)
{
    static const char *const tails[] = {"-wal", "-shm"};
    int r = open_write(path, form, ret_db);
    char other[PATH_ROOM];

    if (r != -EUCLEAN)
        return r;
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(other, sizeof(other), "%s%s", path, tails[i]);
        (void)unlink(other);
    }
    snprintf(other, sizeof(other), "%s.damaged", path);
    if (rename(path, other) < 0)
        return -errno;
    return open_write(path, form, ret_db);
}

int report_file_open_read(const char *path, const struct report_file_form *form, sqlite3 **ret_db)
{
    return open_db(path, SQLITE_OPEN_READONLY, form, ret_db);
}
