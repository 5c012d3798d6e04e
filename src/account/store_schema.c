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

    /* Logging in. Tables are by address without a reference to `accounts`: an account of another
     * directory has its second factors, limits and freezes here too. password is crypt(3)'s form or
     * {SCHEME}...; scram_* is "iterations,salt,stored-key,server-key" in base64; cram_secret and
     * totp_key are the secrets themselves. NULL: there is none, or the configuration's default. */
    "CREATE TABLE passwords ("
    "  account TEXT PRIMARY KEY NOT NULL,"
    "  password TEXT,"
    "  scram_sha_256 TEXT,"
    "  scram_sha_1 TEXT,"
    "  cram_secret TEXT"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE factors ("
    "  account TEXT PRIMARY KEY NOT NULL,"
    "  required INTEGER NOT NULL,"
    "  totp_key BLOB,"
    "  totp_last INTEGER NOT NULL DEFAULT 0" /* the time step of the last code that counted */
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE app_passwords ("
    "  account TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  password TEXT NOT NULL,"
    "  networks TEXT NOT NULL," /* separated by blanks; empty: any */
    "  created_ms INTEGER NOT NULL,"
    "  used_ms INTEGER,"
    "  used_from TEXT,"
    "  PRIMARY KEY (account, name)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE certificates ("
    "  fingerprint TEXT PRIMARY KEY NOT NULL," /* SHA-256, lower-case hex */
    "  account TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE grants ("
    "  account TEXT NOT NULL,"
    "  address TEXT NOT NULL," /* or \"@domain\" */
    "  PRIMARY KEY (account, address)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE limits ("
    "  account TEXT PRIMARY KEY NOT NULL,"
    "  message_size INTEGER,"
    "  messages_per_minute INTEGER,"
    "  messages_per_hour INTEGER,"
    "  recipients_per_hour INTEGER,"
    "  bounces_per_hour INTEGER"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE freezes ("
    "  account TEXT PRIMARY KEY NOT NULL,"
    "  since_ms INTEGER NOT NULL,"
    "  why TEXT NOT NULL,"
    "  tell INTEGER NOT NULL," /* the postmaster gets a mail */
    "  told INTEGER NOT NULL"  /* the queue has held its mail */
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE blocks ("
    "  kind TEXT NOT NULL,"    /* 'address' or 'account' */
    "  subject TEXT NOT NULL," /* 192.0.2.1, 2001:db8:1:2::/64, or the account */
    "  failures INTEGER NOT NULL,"
    "  since_ms INTEGER NOT NULL,"
    "  until_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (kind, subject)"
    ") STRICT, WITHOUT ROWID;"
    /* 32 random bytes, made once: the salts of accounts that do not exist are derived from it. */
    "CREATE TABLE secrets (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) "
    "STRICT, WITHOUT ROWID;"
    "INSERT INTO secrets VALUES ('false-salt', randomblob(32));",
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
