/*
 * Making room in the archive: the oldest events go first, then the subjects that have none left,
 * with what pointed to them. A little at a time, each in a transaction of its own, so that neither
 * the writer nor a reader waits long.
 */
#include "history/archive_sql.h"

enum { EVENTS_A_TIME = 500 };

static int drop_subject_if_empty(struct archive *archive, int64_t subject)
{
    static const enum archive_statement drops[] = {ARCHIVE_DROP_TERMS, ARCHIVE_DROP_MENTIONS,
                                                   ARCHIVE_DROP_SUBJECT};
    sqlite3_stmt *events = archive_statement(archive, ARCHIVE_EVENTS_OF);
    int r;

    sqlite3_bind_int64(events, 1, subject);
    r = archive_next(events);
    sqlite3_reset(events);
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]) && r == 0; i++) {
        sqlite3_stmt *drop = archive_statement(archive, drops[i]);
        sqlite3_bind_int64(drop, 1, subject);
        r = archive_run(drop);
    }
    return r < 0 ? r : 0;
}

/* 1: dropped; 0: there is none so old. */
static int drop_oldest(struct archive *archive, uint64_t before_ms)
{
    sqlite3_stmt *oldest = archive_statement(archive, ARCHIVE_OLDEST), *drop;
    int64_t id, time, subject;
    int r = archive_next(oldest);

    if (r != 1)
        return r;
    id = sqlite3_column_int64(oldest, 0);
    time = sqlite3_column_int64(oldest, 1);
    subject = sqlite3_column_int64(oldest, 2);
    sqlite3_reset(oldest);
    if ((uint64_t)time >= before_ms)
        return 0;
    drop = archive_statement(archive, ARCHIVE_DROP_EVENT);
    sqlite3_bind_int64(drop, 1, id);
    r = archive_run(drop);
    if (r == 0 && subject)
        r = drop_subject_if_empty(archive, subject);
    return r < 0 ? r : 1;
}

static int drop_some(struct archive *archive, uint64_t before_ms, bool *ret_more)
{
    unsigned n = 0;
    int r = archive_begin(archive);

    if (r < 0)
        return r;
    do
        r = drop_oldest(archive, before_ms);
    while (r == 1 && ++n < EVENTS_A_TIME);
    *ret_more = r == 1;
    if (r >= 0)
        r = archive_commit(archive);
    if (r < 0)
        archive_rollback(archive);
    else if (n)
        archive_forget(archive);
    return r;
}

/* Gives pages back to the file system; each step of the statement frees one. */
static int give_back(struct archive *archive)
{
    sqlite3_stmt *vacuum = archive_statement(archive, ARCHIVE_VACUUM);
    int r;

    while ((r = archive_next(vacuum)) == 1)
        ;
    return r;
}

int archive_expire(struct archive *archive, uint64_t before_ms, uint64_t size, bool *ret_more)
{
    int64_t used = 0;
    int r = archive_number(archive_statement(archive, ARCHIVE_USED), &used);

    if (r < 0)
        return r;
    if ((uint64_t)used > size)
        before_ms = UINT64_MAX;
    r = drop_some(archive, before_ms, ret_more);
    return r < 0 ? r : give_back(archive);
}
