/* Inside the archive: the connection and its statements, shared by the files archive*.c. */
#ifndef NUNCIO_HISTORY_ARCHIVE_SQL_H
#define NUNCIO_HISTORY_ARCHIVE_SQL_H

#include "history/archive.h"

#include <sqlite3.h>

enum archive_statement {
    ARCHIVE_BEGIN,
    ARCHIVE_COMMIT,
    ARCHIVE_ROLLBACK,
    ARCHIVE_SUBJECT_ADD,
    ARCHIVE_SUBJECT_FIND,
    ARCHIVE_SUBJECT_LINK,
    ARCHIVE_SUBJECT_BY_ID,
    ARCHIVE_SUBJECTS_OF_SESSION,
    ARCHIVE_SUBJECTS_BY_TERM,
    ARCHIVE_SUBJECTS_BY_TIME,
    ARCHIVE_EVENT_ADD,
    ARCHIVE_EVENT_SAME,
    ARCHIVE_EVENTS_OF,
    ARCHIVE_EVENTS_LOOSE,
    ARCHIVE_EVENTS_AFTER,
    ARCHIVE_EVENT_LAST,
    ARCHIVE_TERM_ADD,
    ARCHIVE_TERM_FIND,
    ARCHIVE_MENTION_ADD,
    ARCHIVE_OLDEST,
    ARCHIVE_DROP_EVENT,
    ARCHIVE_DROP_MENTIONS,
    ARCHIVE_DROP_TERMS,
    ARCHIVE_DROP_SUBJECT,
    ARCHIVE_USED,
    ARCHIVE_VACUUM,
    ARCHIVE_STATEMENTS,
};

enum { ARCHIVE_CACHE = 8192 }; /* slots, a power of two */

struct archive_term_slot {
    int64_t id; /* 0: empty */
    enum term_kind kind;
    char *text;
};

struct archive_subject_slot {
    int64_t id; /* 0: empty */
    enum subject_kind kind;
    uint64_t key;
};

struct archive {
    sqlite3 *db;
    sqlite3_stmt *statements[ARCHIVE_STATEMENTS];
    /* Ids found lately, by hash. Emptied when anything is dropped or rolled back. */
    struct archive_term_slot terms[ARCHIVE_CACHE];
    struct archive_subject_slot subjects[ARCHIVE_CACHE];
};

/* The statement, with its values bound by the caller from 1 on. Prepared when first used. */
sqlite3_stmt *archive_statement(struct archive *archive, enum archive_statement which);
/* Runs one without rows. 0 or -errno. */
int archive_run(sqlite3_stmt *statement);
/* 1: a row; 0: none any more; -errno. Reset but for a row. */
int archive_next(sqlite3_stmt *statement);
/* The first column of the only row, 0 without one. */
int archive_number(sqlite3_stmt *statement, int64_t *ret_value);
void archive_bind_text(sqlite3_stmt *statement, int n, struct slice text);
struct slice archive_column(sqlite3_stmt *statement, int n);
void archive_forget(struct archive *archive); /* empties the caches */

#endif
