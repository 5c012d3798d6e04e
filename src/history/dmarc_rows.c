/*
 * Three tables: heaps; their rows, keyed by their facts as the message between the roles has them
 * (without time, domain and record, which are the heap's); and what went where, which outlives its
 * heap by a day, for the bounds on how much goes. See dmarc_rows.h; for adding, dmarc_rows_add.c.
 */
#include "history/dmarc_rows_store.h"

#include "mail/address.h"

#include <errno.h>

static const struct report_file_form form = {
    .form = 1,
    .size_mib = DMARC_ROWS_SIZE_MIB,
    .often = true,
    .schema =
        "CREATE TABLE IF NOT EXISTS heap (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " day INTEGER NOT NULL, domain TEXT NOT NULL, record TEXT NOT NULL,"
        " rows INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,"
        " next INTEGER NOT NULL DEFAULT 0, UNIQUE (day, domain));"
        "CREATE INDEX IF NOT EXISTS heap_next ON heap (next);"
        "CREATE TABLE IF NOT EXISTS row (heap INTEGER NOT NULL REFERENCES heap ON DELETE CASCADE,"
        " facts BLOB NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (heap, facts)) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS settled (heap INTEGER NOT NULL, address TEXT NOT NULL,"
        " host TEXT NOT NULL, sent INTEGER NOT NULL, time INTEGER NOT NULL,"
        " PRIMARY KEY (heap, address)) WITHOUT ROWID;"
        "CREATE INDEX IF NOT EXISTS settled_time ON settled (time);"
        "PRAGMA user_version = 1;"};

/* ---- opening -------------------------------------------------------------------------------- */

static int wrap(int r, sqlite3 *db, struct dmarc_rows **ret_rows)
{
    if (r < 0)
        return r;
    *ret_rows = xcalloc(1, sizeof(**ret_rows));
    (*ret_rows)->db = db;
    (*ret_rows)->counted_day = DMARC_ROWS_NO_DAY;
    return 0;
}

int dmarc_rows_open(const char *path, struct dmarc_rows **ret_rows)
{
    sqlite3 *db = NULL;
    int r = report_file_open(path, &form, &db);

    return wrap(r, db, ret_rows);
}

int dmarc_rows_open_read(const char *path, struct dmarc_rows **ret_rows)
{
    sqlite3 *db = NULL;
    int r = report_file_open_read(path, &form, &db);

    return wrap(r, db, ret_rows);
}

void dmarc_rows_close(struct dmarc_rows *rows)
{
    if (!rows)
        return;
    for (unsigned i = 0; i < DMARC_ROWS_N_KEPT; i++)
        sqlite3_finalize(rows->kept[i]);
    sqlite3_close(rows->db);
    free(rows);
}

int dmarc_rows_begin(struct dmarc_rows *rows)
{
    return report_file_run(rows->db, "BEGIN IMMEDIATE");
}

int dmarc_rows_commit(struct dmarc_rows *rows)
{
    return report_file_run(rows->db, "COMMIT");
}

void dmarc_rows_rollback(struct dmarc_rows *rows)
{
    rows->counted_day = DMARC_ROWS_NO_DAY;
    if (!sqlite3_get_autocommit(rows->db))
        (void)report_file_run(rows->db, "ROLLBACK");
}

/* ---- reading -------------------------------------------------------------------------------- */

#define HEAP_COLUMNS                                                                               \
    "h.id, h.day, h.domain, h.record, h.dropped, h.next,"                                          \
    " (SELECT coalesce(sum(count), 0) FROM row WHERE heap = h.id), h.rows"

static struct dmarc_heap heap_of(sqlite3_stmt *statement)
{
    return (struct dmarc_heap){.id = sqlite3_column_int64(statement, 0),
                               .day = sqlite3_column_int64(statement, 1),
                               .domain = report_file_column(statement, 2),
                               .record = report_file_column(statement, 3),
                               .dropped = (uint64_t)sqlite3_column_int64(statement, 4),
                               .next_s = sqlite3_column_int64(statement, 5),
                               .messages = (uint64_t)sqlite3_column_int64(statement, 6),
                               .n_rows = (uint64_t)sqlite3_column_int64(statement, 7)};
}

int dmarc_rows_each_heap(struct dmarc_rows *rows, struct slice domain, dmarc_rows_on_heap *on_heap,
                         void *arg)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(rows->db,
                                "SELECT " HEAP_COLUMNS " FROM heap h WHERE ?1 = ''"
                                " OR h.domain = lower(?1) ORDER BY h.day, h.domain",
                                &statement);
    int code = SQLITE_DONE;

    if (r < 0)
        return r;
    report_file_bind(statement, 1, domain);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct dmarc_heap heap = heap_of(statement);
        if (!on_heap(arg, &heap))
            break;
    }
    return report_file_end(statement, code);
}

int dmarc_rows_due(struct dmarc_rows *rows, int64_t today, int64_t now_s, struct arena *arena,
                   struct dmarc_heap *ret_heap)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(rows->db,
                                "SELECT " HEAP_COLUMNS " FROM heap h WHERE h.next > 0"
                                " AND h.next <= ?2 AND h.day < ?1 ORDER BY h.next LIMIT 1",
                                &statement);
    int code;

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, today);
    sqlite3_bind_int64(statement, 2, now_s);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *ret_heap = heap_of(statement);
        ret_heap->domain = arena_dup(arena, ret_heap->domain);
        ret_heap->record = arena_dup(arena, ret_heap->record);
    }
    r = report_file_end(statement, code);
    return r < 0 ? r : code == SQLITE_ROW;
}

/* Facts that cannot be read are of another program; they are passed over. */
int dmarc_rows_each(struct dmarc_rows *rows, int64_t heap, dmarc_rows_on_row *on_row, void *arg)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(rows->db,
                                "SELECT facts, count FROM row WHERE heap = ?1"
                                " ORDER BY count DESC, facts",
                                &statement);
    int code = SQLITE_DONE;

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, heap);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct msg_dmarc_row row;
        struct arena arena;
        arena_init(&arena);
        if (msg_dmarc_row_decode(report_file_column(statement, 0), &arena, &row) == 0)
            on_row(arg, &row, (uint64_t)sqlite3_column_int64(statement, 1));
        arena_done(&arena);
    }
    return report_file_end(statement, code);
}

/* ---- sending -------------------------------------------------------------------------------- */

static int set_next(struct dmarc_rows *rows, const char *sql, int64_t heap, int64_t next_s)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(rows->db, sql, &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, heap);
    sqlite3_bind_int64(statement, 2, next_s);
    return report_file_finish(statement);
}

int dmarc_rows_postpone(struct dmarc_rows *rows, int64_t heap, int64_t next_s)
{
    return set_next(rows, "UPDATE heap SET next = ?2 WHERE id = ?1", heap, next_s);
}

int dmarc_rows_remove(struct dmarc_rows *rows, int64_t heap)
{
    rows->counted_day = DMARC_ROWS_NO_DAY;
    return set_next(rows, "DELETE FROM heap WHERE id = ?1 AND id <> ?2", heap, 0);
}

static int plan_each(struct dmarc_rows *rows, int64_t today, dmarc_rows_when *when, void *arg)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(rows->db,
                                "SELECT " HEAP_COLUMNS " FROM heap h WHERE h.next = 0"
                                " AND h.day < ?1",
                                &statement);
    int code = SQLITE_DONE;

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, today);
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct dmarc_heap heap = heap_of(statement);
        r = dmarc_rows_postpone(rows, heap.id, when(arg, &heap));
    }
    if (r < 0)
        sqlite3_finalize(statement);
    return r < 0 ? r : report_file_end(statement, code);
}

/* At midnight there are thousands: together. */
int dmarc_rows_plan(struct dmarc_rows *rows, int64_t today, dmarc_rows_when *when, void *arg)
{
    int r = dmarc_rows_begin(rows);

    if (r == 0)
        r = plan_each(rows, today, when, arg);
    if (r == 0)
        r = dmarc_rows_commit(rows);
    if (r < 0)
        dmarc_rows_rollback(rows);
    return r;
}

/* What went more than a day ago, and belongs to no heap any more, bounds nothing. */
static int forget_old(struct dmarc_rows *rows, int64_t now_s)
{
    return set_next(rows,
                    "DELETE FROM settled WHERE time < ?2 - 86400 AND heap <> ?1"
                    " AND heap NOT IN (SELECT id FROM heap)",
                    0, now_s);
}

int dmarc_rows_settle(struct dmarc_rows *rows, int64_t heap, struct slice address, bool sent,
                      int64_t now_s)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(rows->db,
                                "INSERT OR REPLACE INTO settled (heap, address, host, sent,"
                                " time) VALUES (?1, ?2, lower(?3), ?4, ?5)",
                                &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, heap);
    report_file_bind(statement, 2, address);
    report_file_bind(statement, 3, address_domain(address));
    sqlite3_bind_int(statement, 4, sent);
    sqlite3_bind_int64(statement, 5, now_s);
    r = report_file_finish(statement);
    return r < 0 ? r : forget_old(rows, now_s);
}

int dmarc_rows_is_settled(struct dmarc_rows *rows, int64_t heap, struct slice address,
                          bool *ret_settled)
{
    sqlite3_stmt *statement;
    int64_t n;
    int r = report_file_prepare(
        rows->db, "SELECT count(*) FROM settled WHERE heap = ?1 AND address = ?2", &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, heap);
    report_file_bind(statement, 2, address);
    r = report_file_number(statement, &n);
    *ret_settled = n > 0;
    return r;
}

int dmarc_rows_sent_since(struct dmarc_rows *rows, struct slice host, int64_t since_s,
                          int64_t *ret_sent)
{
    sqlite3_stmt *statement;
    int r = report_file_prepare(rows->db,
                                "SELECT count(*) FROM settled WHERE sent AND time >= ?2"
                                " AND (?1 = '' OR host = lower(?1))",
                                &statement);

    if (r < 0)
        return r;
    report_file_bind(statement, 1, host);
    sqlite3_bind_int64(statement, 2, since_s);
    return report_file_number(statement, ret_sent);
}
