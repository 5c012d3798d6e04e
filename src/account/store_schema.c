/*
 * Forms of the account store. See store_schema.h.
 *
 * The number of the form is SQLite's user_version; application_id says that the file is ours. Form
 * n becomes form n + 1 by steps[n], all in one transaction: a crash in between leaves the old form.
 * A form is never changed after a release; a new one is a new step.
 *
 * The file is made here with mode 0600, before SQLite sees it, so that neither it nor the log files
 * that copy its mode are ever readable by others.
 */
#include "account/store_schema.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#define APPLICATION_ID 0x4e756e63 /* "Nunc" */

static const char *const steps[] = {
    /* quota_bytes is NULL where the domain's default holds; 0: none. */
    "CREATE TABLE accounts ("
    "  address TEXT PRIMARY KEY NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  enabled INTEGER NOT NULL,"
    "  quota_bytes INTEGER,"
    "  quota_messages INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE aliases ("
    "  address TEXT NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  target TEXT NOT NULL,"
    "  PRIMARY KEY (address, position),"
    "  UNIQUE (address, target)"
    ") STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 1316318819;",
};
_Static_assert(APPLICATION_ID == 1316318819, "the number in the first step");

const int store_schema_version = (int)(sizeof(steps) / sizeof(steps[0]));

static int complain(struct problem_list *problems, struct slice path, sqlite3 *db)
{
    int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;

    problem_add(problems, path, 0, "%s", db ? sqlite3_errmsg(db) : "out of memory");
    return code == SQLITE_BUSY || code == SQLITE_LOCKED ? -EBUSY
           : code == SQLITE_FULL                        ? -ENOSPC
           : code == SQLITE_READONLY                    ? -EROFS
                                                        : -EIO;
}

static int make_file(struct slice path, const char *cpath, struct problem_list *problems)
{
    int fd = open(cpath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        int error = errno;
        problem_add(problems, path, 0, "cannot open the account store: %s", log_strerror(error));
        return -error;
    }
    close(fd);
    return 0;
}

static int read_number(sqlite3 *db, const char *pragma, int *ret_number)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, pragma, -1, &statement, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
        *ret_number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? 0 : -1;
}

/* Inside the transaction: nobody else changes the form at the same time. */
static int upgrade_locked(sqlite3 *db, struct slice path, struct problem_list *problems)
{
    char set_version[64];
    int application = 0, version = 0;

    if (read_number(db, "PRAGMA application_id", &application) < 0 ||
        read_number(db, "PRAGMA user_version", &version) < 0)
        return complain(problems, path, db);
    if (application != APPLICATION_ID && (application != 0 || version != 0)) {
        problem_add(problems, path, 0, "this is another program's database; move it away");
        return -ENOTSUP;
    }
    if (version > store_schema_version) {
        problem_add(problems, path, 0,
                    "the account store has form %d, this nuncio knows forms up to %d; use the "
                    "newer nuncio that wrote it",
                    version, store_schema_version);
        return -ENOTSUP;
    }
    for (int i = version < 0 ? 0 : version; i < store_schema_version; i++) {
        if (sqlite3_exec(db, steps[i], NULL, NULL, NULL) != SQLITE_OK)
            return complain(problems, path, db);
    }
    snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d", store_schema_version);
    if (version != store_schema_version &&
        sqlite3_exec(db, set_version, NULL, NULL, NULL) != SQLITE_OK)
        return complain(problems, path, db);
    return 0;
}

static int upgrade(sqlite3 *db, struct slice path, struct problem_list *problems)
{
    int application = 0, version = 0, r;

    /* A file that is up to date is opened without waiting for a writer. */
    if (read_number(db, "PRAGMA application_id", &application) == 0 &&
        read_number(db, "PRAGMA user_version", &version) == 0 && application == APPLICATION_ID &&
        version == store_schema_version)
        return 0;
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return complain(problems, path, db);
    r = upgrade_locked(db, path, problems);
    if (r == 0 && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        r = complain(problems, path, db);
    if (r < 0)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int store_schema_open(struct slice path, unsigned patience_ms, struct sqlite3 **ret_db,
                      struct problem_list *problems)
{
    static const char settings[] = "PRAGMA trusted_schema = OFF;"
                                   "PRAGMA cell_size_check = ON;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA journal_mode = WAL;";
    char *cpath = xslicedup(path);
    int r = make_file(path, cpath, problems);

    if (r == 0 &&
        sqlite3_open_v2(cpath, ret_db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK)
        r = complain(problems, path, *ret_db);
    free(cpath);
    if (r < 0)
        return r;
    sqlite3_busy_timeout(*ret_db, (int)patience_ms);
    r = upgrade(*ret_db, path, problems);
    /* Only after the form was recognised: another program's file is left as it is. */
    if (r == 0 && sqlite3_exec(*ret_db, settings, NULL, NULL, NULL) != SQLITE_OK)
        r = complain(problems, path, *ret_db);
    return r;
}
