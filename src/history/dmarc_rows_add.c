/*
 * Adding to what is to be reported, once for each message that came under a policy: statements are
 * kept, and how many heaps the day has is remembered, so that a day of thousands of domains costs
 * each message the same. See dmarc_rows.h.
 */
#include "history/dmarc_rows_store.h"

#include "history/sqlite_failure.h"

#include <errno.h>

struct place {
    int64_t heap; /* 0: none */
    int64_t n_rows;
};

static const char *const texts[DMARC_ROWS_N_KEPT] = {
    [DMARC_ROWS_FIND_HEAP] = "SELECT id, rows FROM heap WHERE day = ?1 AND domain = ?2",
    [DMARC_ROWS_COUNT_HEAPS] = "SELECT count(*) FROM heap WHERE day = ?1",
    [DMARC_ROWS_ADD_HEAP] = "INSERT INTO heap (day, domain, record) VALUES (?1, ?2, '')",
    [DMARC_ROWS_COUNT_AGAIN] = "UPDATE row SET count = count + 1 WHERE heap = ?1 AND facts = ?2",
    [DMARC_ROWS_ADD_ROW] = "INSERT INTO row (heap, facts, count) VALUES (?1, ?2, 1)",
    [DMARC_ROWS_TOUCH_HEAP] = "UPDATE heap SET record = ?2, rows = rows + ?3,"
                              " dropped = dropped + ?4 WHERE id = ?1",
};

/* ---- kept statements ------------------------------------------------------------------------ */

static int get(struct dmarc_rows *rows, enum dmarc_rows_kept which, sqlite3_stmt **ret_statement)
{
    int code = SQLITE_OK;

    if (!rows->kept[which])
        code = sqlite3_prepare_v3(rows->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                  &rows->kept[which], NULL);
    *ret_statement = rows->kept[which];
    return code == SQLITE_OK ? 0 : sqlite_failure(code);
}

/* For the next time. `code` is what sqlite3_step() said. */
static int put_back(sqlite3_stmt *statement, int code)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : sqlite_failure(code);
}

static int run(sqlite3_stmt *statement)
{
    return put_back(statement, sqlite3_step(statement));
}

/* ---- heaps ---------------------------------------------------------------------------------- */

static int find_heap(struct dmarc_rows *rows, int64_t day, struct slice domain,
                     struct place *ret_place)
{
    sqlite3_stmt *statement;
    int r = get(rows, DMARC_ROWS_FIND_HEAP, &statement);
    int code;

    *ret_place = (struct place){0};
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, day);
    report_file_bind(statement, 2, domain);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_place = (struct place){.heap = sqlite3_column_int64(statement, 0),
                                    .n_rows = sqlite3_column_int64(statement, 1)};
    return put_back(statement, code);
}

static int count_heaps(struct dmarc_rows *rows, int64_t day)
{
    sqlite3_stmt *statement;
    int r, code;

    if (rows->counted_day == day)
        return 0;
    r = get(rows, DMARC_ROWS_COUNT_HEAPS, &statement);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, day);
    code = sqlite3_step(statement);
    rows->n_heaps = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    r = put_back(statement, code);
    rows->counted_day = r < 0 ? DMARC_ROWS_NO_DAY : day;
    return r;
}

/* 1: the day has enough of them. */
static int add_heap(struct dmarc_rows *rows, int64_t day, struct slice domain,
                    struct place *ret_place)
{
    sqlite3_stmt *statement;
    int r = count_heaps(rows, day);

    if (r < 0 || rows->n_heaps >= DMARC_ROWS_DOMAINS_MAX)
        return r < 0 ? r : 1;
    r = get(rows, DMARC_ROWS_ADD_HEAP, &statement);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, day);
    report_file_bind(statement, 2, domain);
    r = run(statement);
    if (r < 0)
        return r;
    rows->n_heaps++;
    *ret_place = (struct place){.heap = sqlite3_last_insert_rowid(rows->db)};
    return 0;
}

static int touch_heap(struct dmarc_rows *rows, int64_t heap, struct slice record, bool added,
                      bool dropped)
{
    sqlite3_stmt *statement;
    int r = get(rows, DMARC_ROWS_TOUCH_HEAP, &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, heap);
    report_file_bind(statement, 2, record);
    sqlite3_bind_int(statement, 3, added);
    sqlite3_bind_int(statement, 4, dropped);
    return run(statement);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* COUNT_AGAIN: 1 if the row was there. ADD_ROW: 1. */
static int run_on_row(struct dmarc_rows *rows, enum dmarc_rows_kept which, int64_t heap,
                      struct slice facts)
{
    sqlite3_stmt *statement;
    int r = get(rows, which, &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, heap);
    report_file_bind_blob(statement, 2, facts);
    r = run(statement);
    return r < 0 ? r : sqlite3_changes(rows->db);
}

/* Without what is the heap's. A domain has to stand there for the codec. */
static void encode_facts(const struct msg_dmarc_row *row, struct buf *out)
{
    struct msg_dmarc_row facts = *row;

    facts.seconds = 0;
    facts.record = SLICE_NULL;
    facts.policy_domain = SLICE("-");
    msg_dmarc_row_encode(out, &facts);
}

static int add_to(struct dmarc_rows *rows, const struct place *place,
                  const struct msg_dmarc_row *row)
{
    struct buf facts;
    bool full = false;
    int r, seen;

    buf_init(&facts, CHANNEL_PAYLOAD_MAX);
    encode_facts(row, &facts);
    seen = r = run_on_row(rows, DMARC_ROWS_COUNT_AGAIN, place->heap, buf_slice(&facts));
    if (r == 0) {
        full = place->n_rows >= DMARC_ROWS_OF_ONE_MAX;
        r = full ? 0 : run_on_row(rows, DMARC_ROWS_ADD_ROW, place->heap, buf_slice(&facts));
    }
    buf_done(&facts);
    if (r >= 0)
        r = touch_heap(rows, place->heap, row->record, !seen && !full, full);
    return r < 0 ? r : full;
}

int dmarc_rows_add(struct dmarc_rows *rows, const struct msg_dmarc_row *row)
{
    int64_t day = (int64_t)(row->seconds / DMARC_ROWS_DAY_S);
    struct place place;
    int r = find_heap(rows, day, row->policy_domain, &place);

    if (r == 0 && place.heap == 0)
        r = add_heap(rows, day, row->policy_domain, &place);
    return r == 0 ? add_to(rows, &place, row) : r;
}
