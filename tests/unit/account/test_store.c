#include "../cmocka_all.h"
#include "scratch.h"

#include "account/store_schema.h"

#include <errno.h>
#include <sqlite3.h>

static void gather_target(void *arg, struct slice address, struct slice target)
{
    buf_printf(arg, "%.*s>%.*s ", SLICE_ARG(address), SLICE_ARG(target));
}

static void gather_account(void *arg, const struct store_account *account)
{
    buf_printf(arg, "%.*s:%ju ", SLICE_ARG(account->address), (uintmax_t)account->quota_bytes);
}

static void assert_aliases(struct store *store, const char *want)
{
    struct buf text;

    buf_init(&text, 4096);
    assert_int_equal(store_alias_each(store, gather_target, &text), 0);
    buf_add_char(&text, '\0');
    assert_string_equal(text.ptr, want);
    buf_done(&text);
}

static void test_accounts_are_added_found_changed_and_removed(void **state)
{
    struct store_account account = {.address = SLICE("joe@example.org"),
                                    .created_ms = 1234567890123,
                                    .enabled = true,
                                    .own_quota = true,
                                    .quota_bytes = UINT64_C(5) << 40,
                                    .quota_messages = 7},
                         found;
    struct scratch scratch;
    struct store *store;
    struct arena arena;
    struct buf text;

    (void)state;
    arena_init(&arena);
    scratch_init(&scratch);
    store = scratch_open(&scratch);
    assert_int_equal(store_account_find(store, &arena, account.address, &found), STORE_MISSING);
    assert_int_equal(store_account_add(store, &account), 0);
    assert_int_equal(store_account_add(store, &account), STORE_EXISTS);
    assert_int_equal(store_account_find(store, &arena, account.address, &found), 0);
    assert_true(slice_eq(found.address, account.address));
    assert_true(found.created_ms == account.created_ms && found.enabled && found.own_quota);
    assert_true(found.quota_bytes == account.quota_bytes && found.quota_messages == 7);
    account.own_quota = false;
    assert_int_equal(store_account_set_quota(store, &account), 0);
    assert_int_equal(store_account_find(store, &arena, account.address, &found), 0);
    assert_true(!found.own_quota && found.quota_bytes == 0 && found.quota_messages == 7);
    add_account(store, "ann@example.org");
    buf_init(&text, 4096);
    assert_int_equal(store_account_each(store, gather_account, &text), 0);
    buf_add_char(&text, '\0');
    assert_string_equal(text.ptr, "ann@example.org:0 joe@example.org:0 ");
    assert_int_equal(store_account_remove(store, account.address), 0);
    assert_int_equal(store_account_remove(store, account.address), STORE_MISSING);
    assert_int_equal(store_account_set_quota(store, &account), STORE_MISSING);
    buf_done(&text);
    store_close(store);
    scratch_done(&scratch);
    arena_done(&arena);
}

static void test_aliases_keep_their_order_and_have_each_target_once(void **state)
{
    struct slice targets[] = {SLICE("z@x"), SLICE("a@x"), SLICE("z@x")};
    struct scratch scratch;
    struct store *store;
    uint64_t accounts, aliases;

    (void)state;
    scratch_init(&scratch);
    store = scratch_open(&scratch);
    assert_int_equal(store_alias_add(store, SLICE("all@x"), targets, 3), 0);
    add_alias(store, "all@x", "m@x");
    add_alias(store, "all@x", "a@x");
    add_alias(store, "b@x", "program:archive");
    assert_aliases(store, "all@x>z@x all@x>a@x all@x>m@x b@x>program:archive ");
    assert_int_equal(store_count(store, &accounts, &aliases), 0);
    assert_int_equal(aliases, 2);
    assert_int_equal(store_alias_remove(store, SLICE("all@x"), SLICE("a@x")), 0);
    assert_int_equal(store_alias_remove(store, SLICE("all@x"), SLICE("a@x")), STORE_MISSING);
    assert_aliases(store, "all@x>z@x all@x>m@x b@x>program:archive ");
    assert_int_equal(store_alias_remove(store, SLICE("all@x"), SLICE_NULL), 0);
    assert_int_equal(store_alias_remove(store, SLICE("all@x"), SLICE_NULL), STORE_MISSING);
    assert_aliases(store, "b@x>program:archive ");
    store_close(store);
    scratch_done(&scratch);
}

static void test_an_alias_has_bounds_and_one_above_them_changes_nothing(void **state)
{
    static struct slice targets[STORE_TARGETS_MAX + 1];
    struct scratch scratch;
    struct store *store;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    scratch_init(&scratch);
    store = scratch_open(&scratch);
    for (int i = 0; i <= STORE_TARGETS_MAX; i++)
        targets[i] = arena_printf(&arena, "%d@x", i);
    assert_int_equal(store_alias_add(store, SLICE("a@x"), targets, STORE_TARGETS_MAX + 1),
                     STORE_TOO_LARGE);
    assert_aliases(store, "");
    assert_int_equal(store_alias_add(store, SLICE("a@x"), targets, STORE_TARGETS_MAX), 0);
    for (int i = 0; i < STORE_TARGETS_MAX; i++)
        targets[i] = arena_printf(&arena, "%d%0120d@x", i, 0);
    assert_int_equal(store_alias_add(store, SLICE("b@x"), targets, STORE_TARGETS_MAX),
                     STORE_TOO_LARGE);
    store_close(store);
    scratch_done(&scratch);
    arena_done(&arena);
}

static void test_bytes_that_mean_something_to_sql_are_only_data(void **state)
{
    struct scratch scratch;
    struct store *store;
    struct store_account found;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    scratch_init(&scratch);
    store = scratch_open(&scratch);
    add_account(store, "o'brien\"; DROP TABLE accounts; --@x");
    assert_int_equal(
        store_account_find(store, &arena, SLICE("o'brien\"; DROP TABLE accounts; --@x"), &found),
        0);
    assert_int_equal(store_account_find(store, &arena, SLICE("%"), &found), STORE_MISSING);
    store_close(store);
    scratch_done(&scratch);
    arena_done(&arena);
}

static void test_another_handle_sees_changes_and_a_new_version(void **state)
{
    struct store_account found;
    struct scratch scratch;
    struct store *one, *two;
    struct arena arena;
    uint64_t before, after;

    (void)state;
    arena_init(&arena);
    scratch_init(&scratch);
    one = scratch_open(&scratch);
    two = scratch_open(&scratch);
    assert_int_equal(store_version(one, &before), 0);
    assert_int_equal(store_version(one, &after), 0);
    assert_true(before == after);
    add_account(two, "joe@x");
    assert_int_equal(store_version(one, &after), 0);
    assert_true(before != after);
    assert_int_equal(store_account_find(one, &arena, SLICE("joe@x"), &found), 0);
    store_close(one);
    store_close(two);
    scratch_done(&scratch);
    arena_done(&arena);
}

static void execute(struct scratch *scratch, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void assert_refused(struct scratch *scratch, int error, const char *words)
{
    struct problem_list problems;
    struct store *store = NULL;

    problem_list_init(&problems);
    assert_int_equal(store_open(slice_from_cstr(scratch->path), 50, &store, &problems), error);
    assert_null(store);
    assert_int_equal(problems.count, 1);
    if (!strstr(arena_cstr(&problems.arena, problem_line(&problems, problems.first)), words))
        fail_msg("'%s' is not in '%.*s'", words, SLICE_ARG(problems.first->text));
    problem_list_done(&problems);
}

static void test_a_newer_form_and_a_strange_database_are_refused_by_name(void **state)
{
    struct scratch scratch;
    FILE *file;

    (void)state;
    scratch_init(&scratch);
    store_close(scratch_open(&scratch));
    execute(&scratch, "PRAGMA user_version = 99");
    assert_refused(&scratch, -ENOTSUP, "has form 99, this nuncio knows forms up to");
    unlink(scratch.path);
    execute(&scratch, "CREATE TABLE bookmarks (url); PRAGMA user_version = 3");
    assert_refused(&scratch, -ENOTSUP, "another program's database");
    file = fopen(scratch.path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("not a database at all ", file);
    fclose(file);
    assert_refused(&scratch, -EIO, "not a database");
    scratch_done(&scratch);
}

static void test_a_missing_folder_and_a_link_are_refused(void **state)
{
    struct scratch scratch, missing = {.path = "/nonexistent/accounts.db"};

    (void)state;
    assert_refused(&missing, -ENOENT, "/nonexistent/accounts.db: cannot open the account store");
    scratch_init(&scratch);
    assert_int_equal(symlink("/tmp/elsewhere.db", scratch.path), 0);
    assert_refused(&scratch, -ELOOP, "cannot open");
    assert_int_not_equal(access("/tmp/elsewhere.db", F_OK), 0);
    scratch_done(&scratch);
}

static void test_nobody_else_may_read_the_file(void **state)
{
    struct scratch scratch;
    struct store *store;
    struct stat status;
    char log_file[160];

    (void)state;
    scratch_init(&scratch);
    store = scratch_open(&scratch);
    add_account(store, "joe@x");
    assert_int_equal(stat(scratch.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    snprintf(log_file, sizeof(log_file), "%s-wal", scratch.path);
    assert_int_equal(stat(log_file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    store_close(store);
    scratch_done(&scratch);
}

static void test_a_lock_of_another_is_busy_and_readers_do_not_care(void **state)
{
    struct store_account account = {.address = SLICE("b@x"), .enabled = true};
    struct scratch scratch;
    struct store *store;
    struct arena arena;
    sqlite3 *other;

    (void)state;
    arena_init(&arena);
    scratch_init(&scratch);
    store = scratch_open(&scratch);
    add_account(store, "a@x");
    assert_int_equal(sqlite3_open(scratch.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_account_add(store, &account), -EBUSY);
    assert_int_equal(store_account_find(store, &arena, SLICE("a@x"), &account), 0);
    sqlite3_close(other);
    store_close(store);
    scratch_done(&scratch);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts_are_added_found_changed_and_removed),
        cmocka_unit_test(test_aliases_keep_their_order_and_have_each_target_once),
        cmocka_unit_test(test_an_alias_has_bounds_and_one_above_them_changes_nothing),
        cmocka_unit_test(test_bytes_that_mean_something_to_sql_are_only_data),
        cmocka_unit_test(test_another_handle_sees_changes_and_a_new_version),
        cmocka_unit_test(test_a_newer_form_and_a_strange_database_are_refused_by_name),
        cmocka_unit_test(test_a_missing_folder_and_a_link_are_refused),
        cmocka_unit_test(test_nobody_else_may_read_the_file),
        cmocka_unit_test(test_a_lock_of_another_is_busy_and_readers_do_not_care),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
