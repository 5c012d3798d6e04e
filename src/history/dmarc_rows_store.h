/* Inside what is to be reported: the connection, shared by dmarc_rows*.c. */
#ifndef NUNCIO_HISTORY_DMARC_ROWS_STORE_H
#define NUNCIO_HISTORY_DMARC_ROWS_STORE_H

#include "history/dmarc_rows.h"
#include "history/report_file.h"

/* What each message runs is prepared once: preparing takes longer than running. */
enum dmarc_rows_kept {
    DMARC_ROWS_FIND_HEAP,
    DMARC_ROWS_COUNT_HEAPS,
    DMARC_ROWS_ADD_HEAP,
    DMARC_ROWS_COUNT_AGAIN,
    DMARC_ROWS_ADD_ROW,
    DMARC_ROWS_TOUCH_HEAP,
    DMARC_ROWS_N_KEPT,
};

enum { DMARC_ROWS_NO_DAY = -1 };

struct dmarc_rows {
    sqlite3 *db;
    sqlite3_stmt *kept[DMARC_ROWS_N_KEPT]; /* NULL: not yet */
    int64_t counted_day, n_heaps;          /* how many heaps that day has; DMARC_ROWS_NO_DAY */
};

#endif
