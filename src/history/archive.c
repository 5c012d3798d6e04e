/*
 * Opening and closing the archive, and its statements. See archive.h.
 *
 * The write-ahead log stays on disk when the last one closes, so that a reader who may not write
 * into the folder can open the file at any time. A form of the file that a later program wrote is
 * not touched by this one.
 */
#include "history/archive_sql.h"

#include "base/buf.h"
#include "history/sqlite_failure.h"

#include <errno.h>
#include <sys/stat.h>

enum { FORM = 1, READ_PATIENCE_MS = 5000 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS subject (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " key INTEGER NOT NULL, session INTEGER NOT NULL, time INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX IF NOT EXISTS subject_key ON subject (kind, key);"
    "CREATE INDEX IF NOT EXISTS subject_session ON subject (session) WHERE session > 0;"
    "CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " time INTEGER NOT NULL,"
    " subject INTEGER NOT NULL, level INTEGER NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL,"
    " text TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS event_subject ON event (subject, time);"
    "CREATE INDEX IF NOT EXISTS event_time ON event (time);"
    "CREATE TABLE IF NOT EXISTS term (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " text TEXT NOT NULL, UNIQUE (kind, text));"
    "CREATE TABLE IF NOT EXISTS mention (subject INTEGER NOT NULL, term INTEGER NOT NULL,"
    " PRIMARY KEY (subject, term)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS mention_term ON mention (term, subject);"
    "PRAGMA user_version = 1;";

#define SUBJECT_COLUMNS "id, kind, key, session, time"
#define EVENT_COLUMNS   "id, time, subject, level, role, name, text"

static const char *const texts[ARCHIVE_STATEMENTS] = {
    [ARCHIVE_BEGIN] = "BEGIN IMMEDIATE",
    [ARCHIVE_COMMIT] = "COMMIT",
    [ARCHIVE_ROLLBACK] = "ROLLBACK",
    [ARCHIVE_SUBJECT_ADD] = "INSERT INTO subject (kind, key, session, time) VALUES (?1, ?2, 0, ?3) "
                            "ON CONFLICT DO NOTHING",
    [ARCHIVE_SUBJECT_FIND] = "SELECT " SUBJECT_COLUMNS " FROM subject WHERE kind = ?1 AND key = ?2",
    [ARCHIVE_SUBJECT_LINK] = "UPDATE subject SET session = ?2 WHERE id = ?1 AND session = 0",
    [ARCHIVE_SUBJECT_BY_ID] = "SELECT " SUBJECT_COLUMNS " FROM subject WHERE id = ?1",
    [ARCHIVE_SUBJECTS_OF_SESSION] = "SELECT " SUBJECT_COLUMNS " FROM subject WHERE session = ?1 "
                                    "AND session > 0 ORDER BY id",
    [ARCHIVE_SUBJECTS_BY_TERM] =
        "SELECT s.id, s.kind, s.key, s.session, s.time FROM term t "
        "JOIN mention m ON m.term = t.id JOIN subject s ON s.id = m.subject "
        "WHERE t.kind = ?1 AND t.text = ?2 ORDER BY m.subject DESC",
    [ARCHIVE_SUBJECTS_BY_TIME] = "SELECT s.id, s.kind, s.key, s.session, s.time FROM event e "
                                 "CROSS JOIN subject s ON s.id = e.subject "
                                 "WHERE e.time >= ?1 AND e.time < ?2 ORDER BY e.time DESC",
    [ARCHIVE_EVENT_ADD] = "INSERT INTO event (time, subject, level, role, name, text) "
                          "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [ARCHIVE_EVENT_SAME] = "SELECT id FROM event WHERE time = ?1 AND subject = ?2 AND role = ?4 "
                           "AND name = ?5 AND text = ?6 LIMIT 1",
    [ARCHIVE_EVENTS_OF] = "SELECT " EVENT_COLUMNS " FROM event WHERE subject = ?1 "
                          "ORDER BY time, id",
    [ARCHIVE_EVENTS_LOOSE] = "SELECT " EVENT_COLUMNS " FROM event WHERE subject = 0 AND "
                             "time >= ?1 AND time < ?2 ORDER BY time, id",
    [ARCHIVE_EVENTS_AFTER] = "SELECT " EVENT_COLUMNS " FROM event WHERE id > ?1 ORDER BY id",
    [ARCHIVE_EVENT_LAST] = "SELECT max(id) FROM event",
    [ARCHIVE_TERM_ADD] = "INSERT INTO term (kind, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    [ARCHIVE_TERM_FIND] = "SELECT id FROM term WHERE kind = ?1 AND text = ?2",
    [ARCHIVE_MENTION_ADD] = "INSERT INTO mention (subject, term) VALUES (?1, ?2) "
                            "ON CONFLICT DO NOTHING",
    [ARCHIVE_OLDEST] = "SELECT id, time, subject FROM event ORDER BY time LIMIT 1",
    [ARCHIVE_DROP_EVENT] = "DELETE FROM event WHERE id = ?1",
    /* These three drop what hangs on a subject without events; in this order. */
    [ARCHIVE_DROP_TERMS] =
        "DELETE FROM term WHERE id IN (SELECT term FROM mention WHERE subject = ?1) AND NOT EXISTS "
        "(SELECT 1 FROM mention WHERE term = term.id AND subject <> ?1)",
    [ARCHIVE_DROP_MENTIONS] = "DELETE FROM mention WHERE subject = ?1",
    [ARCHIVE_DROP_SUBJECT] = "DELETE FROM subject WHERE id = ?1",
    [ARCHIVE_USED] = "SELECT (page_count - freelist_count) * page_size "
                     "FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    [ARCHIVE_VACUUM] = "PRAGMA incremental_vacuum(256)",
};

sqlite3_stmt *archive_statement(struct archive *archive, enum archive_statement which)
{
    if (!archive->statements[which])
        (void)sqlite3_prepare_v3(archive->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                 &archive->statements[which], NULL);
    return archive->statements[which];
}

int archive_next(sqlite3_stmt *statement)
{
    int code = statement ? sqlite3_step(statement) : SQLITE_CORRUPT;

    if (code == SQLITE_ROW)
        return 1;
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : sqlite_failure(code);
}

int archive_run(sqlite3_stmt *statement)
{
    int r = archive_next(statement);

    if (r == 1)
        sqlite3_reset(statement);
    return r < 0 ? r : 0;
}

int archive_number(sqlite3_stmt *statement, int64_t *ret_value)
{
    int r = archive_next(statement);

    if (r < 0)
        return r;
    *ret_value = r == 1 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return 0;
}

void archive_bind_text(sqlite3_stmt *statement, int n, struct slice text)
{
    sqlite3_bind_text(statement, n, text.len ? text.ptr : "", (int)text.len, SQLITE_STATIC);
}

struct slice archive_column(sqlite3_stmt *statement, int n)
{
    const void *text = sqlite3_column_text(statement, n);

    return slice_from(text, (size_t)sqlite3_column_bytes(statement, n));
}

void archive_forget(struct archive *archive)
{
    for (size_t i = 0; i < ARCHIVE_CACHE; i++) {
        free(archive->terms[i].text);
        archive->terms[i] = (struct archive_term_slot){0};
        archive->subjects[i] = (struct archive_subject_slot){0};
    }
}

void archive_close(struct archive *archive)
{
    if (!archive)
        return;
    archive_forget(archive);
    for (size_t i = 0; i < ARCHIVE_STATEMENTS; i++)
        sqlite3_finalize(archive->statements[i]);
    sqlite3_close(archive->db);
    free(archive);
}

const char *archive_error(const struct archive *archive)
{
    return sqlite3_errmsg(archive->db);
}

static int execute(struct archive *archive, const char *sql)
{
    int code = sqlite3_exec(archive->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : sqlite_failure(code);
}

/* -EPROTO: a later program's. */
static int check_form(struct archive *archive, bool make)
{
    sqlite3_stmt *statement = NULL;
    int64_t form = 0;
    int r, code = sqlite3_prepare_v2(archive->db, "PRAGMA user_version", -1, &statement, NULL);

    r = code == SQLITE_OK ? archive_number(statement, &form) : sqlite_failure(code);
    sqlite3_finalize(statement);
    if (r < 0)
        return r;
    if (form > FORM)
        return -EPROTO;
    return form == FORM || !make ? 0 : execute(archive, schema);
}

static int connect(const char *path, int flags, unsigned patience_ms, struct archive **ret_archive)
{
    struct archive *archive = xcalloc(1, sizeof(*archive));
    int code = sqlite3_open_v2(path, &archive->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    *ret_archive = archive;
    if (code != SQLITE_OK)
        return sqlite_failure(code);
    sqlite3_busy_timeout(archive->db, (int)patience_ms);
    sqlite3_extended_result_codes(archive->db, 0);
    return 0;
}

static int open_write(struct archive *archive)
{
    int persist = 1;
    int r = execute(archive, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
                             "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000;"
                             "PRAGMA journal_size_limit = 33554432; PRAGMA temp_store = MEMORY;");

    if (r == 0)
        (void)sqlite3_file_control(archive->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
    return r == 0 ? check_form(archive, true) : r;
}

int archive_open(const char *path, unsigned patience_ms, struct archive **ret_archive)
{
    struct archive *archive;
    int r = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, patience_ms, &archive);

    if (r == 0)
        r = open_write(archive);
    if (r == 0)
        *ret_archive = archive;
    else
        archive_close(archive);
    return r;
}

int archive_open_read(const char *path, struct archive **ret_archive)
{
    struct archive *archive;
    struct stat status;
    int r;

    if (stat(path, &status) < 0)
        return -errno;
    r = connect(path, SQLITE_OPEN_READONLY, READ_PATIENCE_MS, &archive);
    if (r == 0)
        r = check_form(archive, false);
    if (r == 0)
        *ret_archive = archive;
    else
        archive_close(archive);
    return r;
}

int archive_begin(struct archive *archive)
{
    return archive_run(archive_statement(archive, ARCHIVE_BEGIN));
}

int archive_commit(struct archive *archive)
{
    return archive_run(archive_statement(archive, ARCHIVE_COMMIT));
}

void archive_rollback(struct archive *archive)
{
    archive_forget(archive);
    if (!sqlite3_get_autocommit(archive->db))
        (void)archive_run(archive_statement(archive, ARCHIVE_ROLLBACK));
}
