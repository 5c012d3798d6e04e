/* Reading the archive. See archive.h. */
#include "history/archive_sql.h"

#include <errno.h>

static struct subject read_subject(sqlite3_stmt *row)
{
    return (struct subject){
        .id = sqlite3_column_int64(row, 0),
        .kind = (enum subject_kind)sqlite3_column_int(row, 1),
        .key = (uint64_t)sqlite3_column_int64(row, 2),
        .session = sqlite3_column_int64(row, 3),
        .time_ms = (uint64_t)sqlite3_column_int64(row, 4),
    };
}

static int one_subject(sqlite3_stmt *statement, struct subject *ret_subject)
{
    int r = archive_next(statement);

    if (r != 1)
        return r;
    *ret_subject = read_subject(statement);
    sqlite3_reset(statement);
    return 1;
}

int archive_find_subject(struct archive *archive, enum subject_kind kind, uint64_t key,
                         struct subject *ret_subject)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_SUBJECT_FIND);

    sqlite3_bind_int(find, 1, (int)kind);
    sqlite3_bind_int64(find, 2, (int64_t)key);
    return one_subject(find, ret_subject);
}

int archive_subject_by_id(struct archive *archive, int64_t id, struct subject *ret_subject)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_SUBJECT_BY_ID);

    sqlite3_bind_int64(find, 1, id);
    return one_subject(find, ret_subject);
}

static int each_subject(sqlite3_stmt *statement, archive_on_subject *on_subject, void *arg)
{
    int r;

    while ((r = archive_next(statement)) == 1) {
        struct subject subject = read_subject(statement);
        if (!on_subject(arg, &subject)) {
            sqlite3_reset(statement);
            return 0;
        }
    }
    return r;
}

int archive_each_by_term(struct archive *archive, enum term_kind kind, struct slice text,
                         archive_on_subject *on_subject, void *arg)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_SUBJECTS_BY_TERM);

    sqlite3_bind_int(find, 1, (int)kind);
    archive_bind_text(find, 2, text);
    return each_subject(find, on_subject, arg);
}

static void bind_range(sqlite3_stmt *find, uint64_t from_ms, uint64_t until_ms)
{
    sqlite3_bind_int64(find, 1, (int64_t)from_ms);
    sqlite3_bind_int64(find, 2, until_ms > INT64_MAX ? INT64_MAX : (int64_t)until_ms);
}

int archive_each_by_time(struct archive *archive, uint64_t from_ms, uint64_t until_ms,
                         archive_on_subject *on_subject, void *arg)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_SUBJECTS_BY_TIME);

    bind_range(find, from_ms, until_ms);
    return each_subject(find, on_subject, arg);
}

int archive_each_of_session(struct archive *archive, int64_t session,
                            archive_on_subject *on_subject, void *arg)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_SUBJECTS_OF_SESSION);

    sqlite3_bind_int64(find, 1, session);
    return each_subject(find, on_subject, arg);
}

/* A row that cannot be read is passed over. */
static bool hand_out(sqlite3_stmt *row, struct arena *arena, archive_on_event *on_event, void *arg)
{
    struct event event = {.time_ms = (uint64_t)sqlite3_column_int64(row, 1),
                          .level = (enum log_level)(sqlite3_column_int(row, 3) & 3),
                          .role = archive_column(row, 4),
                          .name = archive_column(row, 5)};

    arena_reset(arena);
    if (event_read_fields(archive_column(row, 6), arena, &event) < 0)
        return true;
    return on_event(arg, &event, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 2));
}

static int each_event(sqlite3_stmt *statement, archive_on_event *on_event, void *arg)
{
    struct arena arena;
    int r;

    arena_init(&arena);
    while ((r = archive_next(statement)) == 1) {
        if (hand_out(statement, &arena, on_event, arg))
            continue;
        sqlite3_reset(statement);
        r = 0;
        break;
    }
    arena_done(&arena);
    return r;
}

int archive_each_event(struct archive *archive, int64_t subject, archive_on_event *on_event,
                       void *arg)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_EVENTS_OF);

    sqlite3_bind_int64(find, 1, subject);
    return each_event(find, on_event, arg);
}

int archive_each_loose(struct archive *archive, uint64_t from_ms, uint64_t until_ms,
                       archive_on_event *on_event, void *arg)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_EVENTS_LOOSE);

    bind_range(find, from_ms, until_ms);
    return each_event(find, on_event, arg);
}

int archive_each_after(struct archive *archive, int64_t number, archive_on_event *on_event,
                       void *arg)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_EVENTS_AFTER);

    sqlite3_bind_int64(find, 1, number);
    return each_event(find, on_event, arg);
}

int archive_last_number(struct archive *archive, int64_t *ret_number)
{
    return archive_number(archive_statement(archive, ARCHIVE_EVENT_LAST), ret_number);
}
