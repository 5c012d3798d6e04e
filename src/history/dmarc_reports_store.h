/* Inside the kept DMARC reports: the connection, shared by dmarc_reports*.c. */
#ifndef NUNCIO_HISTORY_DMARC_REPORTS_STORE_H
#define NUNCIO_HISTORY_DMARC_REPORTS_STORE_H

#include "history/dmarc_reports.h"
#include "history/sqlite_failure.h"
#include "history/report_file.h"

#include "base/buf.h"

struct dmarc_reports {
    sqlite3 *db;
};

#endif
