/*
 * What the role's files of reports have in common: a small SQLite file with a form, a bound and a
 * schema, written by the role and read beside it. Statements are made for each use; text of others
 * is bound to them, never part of them.
 */
#ifndef NUNCIO_HISTORY_REPORT_FILE_H
#define NUNCIO_HISTORY_REPORT_FILE_H

#include "base/slice.h"

#include <sqlite3.h>

struct report_file_form {
    int form;           /* a file with a greater one is of a later program: -ENOTSUP */
    int size_mib;       /* bound: then -ENOSPC */
    bool often;         /* many small commits: a write-ahead log, and a power cut loses the last */
    const char *schema; /* run at each opening for writing; sets user_version to `form` */
};

/* To write, made where it is missing; a damaged one is set aside ("....damaged") and begun anew.
 * -errno. */
int report_file_open(const char *path, const struct report_file_form *form, sqlite3 **ret_db);
/* To read. -ENOENT: there is none. */
int report_file_open_read(const char *path, const struct report_file_form *form, sqlite3 **ret_db);

int report_file_run(sqlite3 *db, const char *sql);
int report_file_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement);
void report_file_bind(sqlite3_stmt *statement, int at, struct slice text);
void report_file_bind_blob(sqlite3_stmt *statement, int at, struct slice bytes);
/* Runs one without rows, and frees it. */
int report_file_finish(sqlite3_stmt *statement);
/* The first column of its first row, or 0; and frees it. */
int report_file_number(sqlite3_stmt *statement, int64_t *ret_number);
/* Of a table `report` with `id` and `received`: those older than that time or beyond that number,
 * and `more` of the oldest. */
int report_file_expire(sqlite3 *db, int64_t oldest_s, int64_t most, unsigned more);
/* After the last row: `code` is what sqlite3_step() said. Frees it. */
int report_file_end(sqlite3_stmt *statement, int code);
/* Text or bytes; good until the next step. */
struct slice report_file_column(sqlite3_stmt *statement, int at);

#endif
