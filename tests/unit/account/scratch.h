/* A folder of its own for each test that needs a store. */
#ifndef NUNCIO_TESTS_ACCOUNT_SCRATCH_H
#define NUNCIO_TESTS_ACCOUNT_SCRATCH_H

#include "account/store.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char folder[64];
    char path[128];
};

static inline void scratch_init(struct scratch *scratch)
{
    snprintf(scratch->folder, sizeof(scratch->folder), "/tmp/nuncio-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->folder));
    snprintf(scratch->path, sizeof(scratch->path), "%s/accounts", scratch->folder);
    assert_int_equal(mkdir(scratch->path, 0700), 0);
    snprintf(scratch->path, sizeof(scratch->path), "%s/" STORE_FILE, scratch->folder);
}

static inline void scratch_done(struct scratch *scratch)
{
    char log_file[160];

    unlink(scratch->path);
    snprintf(log_file, sizeof(log_file), "%s-wal", scratch->path);
    unlink(log_file);
    snprintf(log_file, sizeof(log_file), "%s-shm", scratch->path);
    unlink(log_file);
    snprintf(log_file, sizeof(log_file), "%s/accounts", scratch->folder);
    rmdir(log_file);
    assert_int_equal(rmdir(scratch->folder), 0);
}

static inline struct store *scratch_open(struct scratch *scratch)
{
    struct problem_list problems;
    struct store *store = NULL;

    problem_list_init(&problems);
    if (store_open(slice_from_cstr(scratch->path), 50, &store, &problems) != 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    problem_list_done(&problems);
    return store;
}

static inline void add_account(struct store *store, const char *address)
{
    struct store_account account = {.address = slice_from_cstr(address), .enabled = true};

    assert_int_equal(store_account_add(store, &account), 0);
}

static inline void add_alias(struct store *store, const char *address, const char *target)
{
    struct slice targets[] = {slice_from_cstr(target)};

    assert_int_equal(store_alias_add(store, slice_from_cstr(address), targets, 1), 0);
}

#endif
