#include "../cmocka_all.h"
#include "scratch.h"

#include "account/store_login.h"
#include "account/store_schema.h"

#include <errno.h>
#include <sqlite3.h>

#define JOE SLICE("joe@example.org")
#define ANN SLICE("ann@example.org")

struct world {
    struct scratch scratch;
    struct store *store;
    struct arena arena;
    struct buf text;
};

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));

    scratch_init(&world->scratch);
    world->store = scratch_open(&world->scratch);
    arena_init(&world->arena);
    buf_init(&world->text, 4096);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    store_close(world->store);
    scratch_done(&world->scratch);
    arena_done(&world->arena);
    buf_done(&world->text);
    free(world);
    return 0;
}

static void assert_text(struct world *world, const char *want)
{
    buf_add_char(&world->text, '\0');
    assert_string_equal(world->text.ptr, want);
    buf_reset(&world->text);
}

static void assert_slice(struct slice have, const char *want)
{
    if (!slice_eq(have, slice_from_cstr(want)))
        fail_msg("'%.*s' is not '%s'", SLICE_ARG(have), want);
}

static void test_passwords_are_kept_by_kind(void **state)
{
    struct world *world = *state;
    struct store_passwords set = {.password = SLICE("$y$x"), .cram_secret = SLICE("plain")}, found;
    struct store_kinds kinds;

    assert_int_equal(store_passwords_find(world->store, &world->arena, JOE, &found), STORE_MISSING);
    assert_int_equal(store_passwords_kinds(world->store, &kinds), 0);
    assert_false(kinds.password || kinds.scram_sha_256 || kinds.scram_sha_1 || kinds.cram_secret);
    assert_int_equal(store_passwords_set(world->store, JOE, &set), 0);
    assert_int_equal(store_passwords_find(world->store, &world->arena, JOE, &found), 0);
    assert_slice(found.password, "$y$x");
    assert_slice(found.cram_secret, "plain");
    assert_true(found.scram_sha_256.len == 0 && found.scram_sha_1.len == 0);
    set = (struct store_passwords){.scram_sha_256 = SLICE("256"), .scram_sha_1 = SLICE("1")};
    assert_int_equal(store_passwords_set(world->store, JOE, &set), 0);
    assert_int_equal(store_passwords_find(world->store, &world->arena, JOE, &found), 0);
    assert_true(found.password.len == 0 && found.cram_secret.len == 0);
    assert_int_equal(store_passwords_kinds(world->store, &kinds), 0);
    assert_true(!kinds.password && kinds.scram_sha_256 && kinds.scram_sha_1 && !kinds.cram_secret);
    /* SCRAM is no more what all can log in with. */
    set = (struct store_passwords){.password = SLICE("$y$x"), .scram_sha_1 = SLICE("1")};
    assert_int_equal(store_passwords_set(world->store, SLICE("jim@a.example"), &set), 0);
    assert_int_equal(store_passwords_kinds(world->store, &kinds), 0);
    assert_true(kinds.password && !kinds.scram_sha_256 && kinds.scram_sha_1);
    set = (struct store_passwords){0};
    assert_int_equal(store_passwords_set(world->store, SLICE("jim@a.example"), &set), 0);
    set = (struct store_passwords){0};
    assert_int_equal(store_passwords_set(world->store, JOE, &set), 0);
    assert_int_equal(store_passwords_find(world->store, &world->arena, JOE, &found), STORE_MISSING);
}

static void test_a_code_counts_once(void **state)
{
    struct world *world = *state;
    struct store_factor factor = {.required = true, .totp_key = SLICE("\0key\xff")}, found;

    assert_int_equal(store_factor_find(world->store, &world->arena, JOE, &found), STORE_MISSING);
    assert_int_equal(store_factor_use(world->store, JOE, 5), STORE_EXISTS);
    assert_int_equal(store_factor_set(world->store, JOE, &factor), 0);
    assert_int_equal(store_factor_use(world->store, JOE, 5), 0);
    assert_int_equal(store_factor_use(world->store, JOE, 5), STORE_EXISTS);
    assert_int_equal(store_factor_use(world->store, JOE, 4), STORE_EXISTS);
    store_close(world->store);
    world->store = scratch_open(&world->scratch);
    assert_int_equal(store_factor_use(world->store, JOE, 5), STORE_EXISTS);
    assert_int_equal(store_factor_use(world->store, JOE, 6), 0);
    assert_int_equal(store_factor_find(world->store, &world->arena, JOE, &found), 0);
    assert_true(found.required && found.totp_last == 6 &&
                slice_eq(found.totp_key, factor.totp_key));
}

static void test_only_another_key_lets_codes_count_again(void **state)
{
    struct world *world = *state;
    struct store_factor factor = {.required = true, .totp_key = SLICE("key")}, found;

    assert_int_equal(store_factor_set(world->store, JOE, &factor), 0);
    assert_int_equal(store_factor_use(world->store, JOE, 9), 0);
    factor.required = false;
    assert_int_equal(store_factor_set(world->store, JOE, &factor), 0);
    assert_int_equal(store_factor_find(world->store, &world->arena, JOE, &found), 0);
    assert_true(!found.required && found.totp_last == 9);
    factor.totp_key = SLICE("other");
    assert_int_equal(store_factor_set(world->store, JOE, &factor), 0);
    assert_int_equal(store_factor_use(world->store, JOE, 9), 0);
    factor.totp_key = SLICE_NULL;
    assert_int_equal(store_factor_set(world->store, JOE, &factor), 0);
    assert_int_equal(store_factor_find(world->store, &world->arena, JOE, &found), STORE_MISSING);
}

static void test_app_passwords_are_named_and_remember_their_use(void **state)
{
    struct world *world = *state;
    struct store_app_password app = {.account = JOE,
                                     .name = SLICE("phone"),
                                     .password = SLICE("$y$1"),
                                     .created_ms = 1000},
                              *list;
    char names[12][3];
    struct store_kinds kinds;
    size_t count;

    assert_int_equal(store_app_passwords_find(world->store, &world->arena, JOE, &list, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_app_password_add(world->store, &app), 0);
    assert_int_equal(store_app_password_add(world->store, &app), STORE_EXISTS);
    for (size_t i = 0; i < 12; i++) {
        snprintf(names[i], sizeof(names[i]), "%c", (char)('a' + i));
        app.name = slice_from_cstr(names[i]);
        app.networks = SLICE("192.0.2.0/24 2001:db8::/32");
        assert_int_equal(store_app_password_add(world->store, &app), 0);
    }
    assert_int_equal(
        store_app_password_used(world->store, JOE, SLICE("phone"), 2000, SLICE("192.0.2.1")), 0);
    assert_int_equal(store_app_password_used(world->store, ANN, SLICE("phone"), 2000, SLICE("x")),
                     STORE_MISSING);
    assert_int_equal(store_app_passwords_find(world->store, &world->arena, JOE, &list, &count), 0);
    assert_int_equal(count, 13);
    assert_slice(list[0].name, "a");
    assert_slice(list[0].networks, "192.0.2.0/24 2001:db8::/32");
    assert_true(list[0].used_ms == 0 && list[0].used_from.len == 0);
    assert_slice(list[12].name, "phone");
    assert_true(list[12].used_ms == 2000 && list[12].created_ms == 1000);
    assert_slice(list[12].used_from, "192.0.2.1");
    assert_true(list[12].networks.len == 0);
    assert_int_equal(store_passwords_kinds(world->store, &kinds), 0);
    assert_true(kinds.password);
    assert_int_equal(store_app_password_remove(world->store, JOE, SLICE("phone")), 0);
    assert_int_equal(store_app_password_remove(world->store, JOE, SLICE("phone")), STORE_MISSING);
}

static void gather_pair(void *arg, struct slice account, struct slice other)
{
    buf_printf(arg, "%.*s:%.*s ", SLICE_ARG(account), SLICE_ARG(other));
}

static void test_a_certificate_belongs_to_one_account(void **state)
{
    struct world *world = *state;
    struct slice account;
    struct store_kinds kinds;

    assert_int_equal(store_certificate_add(world->store, JOE, SLICE("ab12"), 1), 0);
    assert_int_equal(store_certificate_add(world->store, ANN, SLICE("ab12"), 1), STORE_EXISTS);
    assert_int_equal(store_certificate_add(world->store, ANN, SLICE("cd34"), 1), 0);
    assert_int_equal(store_certificate_find(world->store, &world->arena, SLICE("ab12"), &account),
                     0);
    assert_slice(account, "joe@example.org");
    assert_int_equal(store_certificate_find(world->store, &world->arena, SLICE("ef"), &account),
                     STORE_MISSING);
    assert_int_equal(store_certificate_each(world->store, gather_pair, &world->text), 0);
    assert_text(world, "ann@example.org:cd34 joe@example.org:ab12 ");
    assert_int_equal(store_passwords_kinds(world->store, &kinds), 0);
    assert_true(kinds.certificates);
    assert_int_equal(store_certificate_remove(world->store, SLICE("ab12")), 0);
    assert_int_equal(store_certificate_remove(world->store, SLICE("ab12")), STORE_MISSING);
}

static void test_grants_are_of_an_address_or_a_whole_domain(void **state)
{
    static const struct {
        const char *address;
        int result;
    } cases[] = {
        {"sales@example.org", 0},
        {"anybody@example.com", 0},
        {"\"odd@name\"@example.com", 0},
        {"sales@example.net", STORE_MISSING},
        {"sales@sub.example.com", STORE_MISSING},
        {"sales", STORE_MISSING},
        {"", STORE_MISSING},
    };
    struct world *world = *state;

    assert_int_equal(store_grant_add(world->store, JOE, SLICE("sales@example.org")), 0);
    assert_int_equal(store_grant_add(world->store, JOE, SLICE("@example.com")), 0);
    assert_int_equal(store_grant_add(world->store, JOE, SLICE("@example.com")), STORE_EXISTS);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(store_grant_find(world->store, JOE, slice_from_cstr(cases[i].address)),
                         cases[i].result);
    assert_int_equal(store_grant_find(world->store, ANN, SLICE("sales@example.org")),
                     STORE_MISSING);
    assert_int_equal(store_grant_each(world->store, gather_pair, &world->text), 0);
    assert_text(world, "joe@example.org:@example.com joe@example.org:sales@example.org ");
    assert_int_equal(store_grant_remove(world->store, JOE, SLICE("@example.com")), 0);
    assert_int_equal(store_grant_remove(world->store, JOE, SLICE("@example.com")), STORE_MISSING);
    assert_int_equal(store_grant_find(world->store, JOE, SLICE("anybody@example.com")),
                     STORE_MISSING);
}

static void test_limits_are_the_defaults_unless_set(void **state)
{
    struct world *world = *state;
    struct store_limits limits;

    assert_int_equal(store_limits_find(world->store, JOE, &limits), 0);
    assert_true(limits.message_size == STORE_LIMIT_DEFAULT &&
                limits.bounces_per_hour == STORE_LIMIT_DEFAULT);
    limits.messages_per_hour = 0;
    limits.message_size = INT64_C(5) << 40;
    assert_int_equal(store_limits_set(world->store, JOE, &limits), 0);
    assert_int_equal(store_limits_find(world->store, JOE, &limits), 0);
    assert_true(limits.message_size == INT64_C(5) << 40 && limits.messages_per_hour == 0);
    assert_true(limits.messages_per_minute == STORE_LIMIT_DEFAULT &&
                limits.recipients_per_hour == STORE_LIMIT_DEFAULT);
    limits.message_size = limits.messages_per_hour = STORE_LIMIT_DEFAULT;
    assert_int_equal(store_limits_set(world->store, JOE, &limits), 0);
    assert_int_equal(store_limits_find(world->store, JOE, &limits), 0);
    assert_true(limits.messages_per_hour == STORE_LIMIT_DEFAULT);
}

static void gather_freeze(void *arg, const struct store_freeze *freeze)
{
    buf_printf(arg, "%.*s:%ju:%.*s:%d:%d ", SLICE_ARG(freeze->account), (uintmax_t)freeze->since_ms,
               SLICE_ARG(freeze->why), freeze->tell, freeze->told);
}

static void test_a_freeze_stays_as_it_began(void **state)
{
    struct world *world = *state;
    struct store_freeze freeze = {.account = JOE,
                                  .since_ms = 7,
                                  .why = SLICE("many"),
                                  .tell = true},
                        found;

    assert_int_equal(store_freeze_add(world->store, &freeze), 0);
    freeze.since_ms = 8;
    assert_int_equal(store_freeze_add(world->store, &freeze), STORE_EXISTS);
    assert_int_equal(store_freeze_told(world->store, JOE, 8), STORE_MISSING);
    assert_int_equal(store_freeze_each(world->store, gather_freeze, &world->text), 0);
    assert_text(world, "joe@example.org:7:many:1:0 ");
    assert_int_equal(store_freeze_told(world->store, JOE, 7), 0);
    assert_int_equal(store_freeze_find(world->store, &world->arena, JOE, &found), 0);
    assert_true(found.told && found.tell && found.since_ms == 7);
    assert_slice(found.why, "many");
    assert_int_equal(store_freeze_remove(world->store, JOE), 0);
    assert_int_equal(store_freeze_remove(world->store, JOE), STORE_MISSING);
    assert_int_equal(store_freeze_find(world->store, &world->arena, JOE, &found), STORE_MISSING);
}

static void gather_block(void *arg, const struct store_block *block)
{
    buf_printf(arg, "%.*s:%.*s:%u:%ju-%ju ", SLICE_ARG(block->kind), SLICE_ARG(block->subject),
               block->failures, (uintmax_t)block->since_ms, (uintmax_t)block->until_ms);
}

static void set_block(struct world *world, struct slice kind, struct slice subject, uint64_t until)
{
    struct store_block block = {
        .kind = kind, .subject = subject, .failures = 5, .since_ms = 1, .until_ms = until};

    assert_int_equal(store_block_set(world->store, &block), 0);
}

static void test_blocks_are_replaced_lifted_and_expire(void **state)
{
    struct world *world = *state;

    set_block(world, SLICE("address"), SLICE("192.0.2.1"), 100);
    set_block(world, SLICE("address"), SLICE("192.0.2.1"), 200);
    set_block(world, SLICE("account"), JOE, 150);
    assert_int_equal(store_block_each(world->store, gather_block, &world->text), 0);
    assert_text(world, "account:joe@example.org:5:1-150 address:192.0.2.1:5:1-200 ");
    assert_int_equal(store_block_expire(world->store, 150), 0);
    assert_int_equal(store_block_each(world->store, gather_block, &world->text), 0);
    assert_text(world, "address:192.0.2.1:5:1-200 ");
    assert_int_equal(store_block_remove(world->store, SLICE("address"), SLICE("192.0.2.1")), 0);
    assert_int_equal(store_block_remove(world->store, SLICE("address"), SLICE("192.0.2.1")),
                     STORE_MISSING);
}

/* Something of every kind. */
static void fill(struct world *world, struct slice account, struct slice fingerprint)
{
    struct store_passwords passwords = {.password = SLICE("x")};
    struct store_factor factor = {.required = true};
    struct store_app_password app = {.account = account, .name = SLICE("n")};
    struct store_limits limits = {0};
    struct store_freeze freeze = {.account = account};

    assert_int_equal(store_passwords_set(world->store, account, &passwords), 0);
    assert_int_equal(store_factor_set(world->store, account, &factor), 0);
    assert_int_equal(store_app_password_add(world->store, &app), 0);
    assert_int_equal(store_certificate_add(world->store, account, fingerprint, 1), 0);
    assert_int_equal(store_grant_add(world->store, account, SLICE("@example.net")), 0);
    assert_int_equal(store_limits_set(world->store, account, &limits), 0);
    assert_int_equal(store_freeze_add(world->store, &freeze), 0);
    set_block(world, SLICE("account"), account, 100);
}

/* How many rows about the account are left in all tables. */
static int count_rows(struct world *world, struct slice account)
{
    static const char text[] =
        "SELECT (SELECT count(*) FROM passwords WHERE account = ?1) +"
        "(SELECT count(*) FROM factors WHERE account = ?1) +"
        "(SELECT count(*) FROM app_passwords WHERE account = ?1) +"
        "(SELECT count(*) FROM certificates WHERE account = ?1) +"
        "(SELECT count(*) FROM grants WHERE account = ?1) +"
        "(SELECT count(*) FROM limits WHERE account = ?1) +"
        "(SELECT count(*) FROM freezes WHERE account = ?1) +"
        "(SELECT count(*) FROM blocks WHERE kind = 'account' AND subject = ?1)";
    sqlite3_stmt *statement;
    sqlite3 *db;
    int count;

    assert_int_equal(sqlite3_open(world->scratch.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_text(statement, 1, account.ptr, (int)account.len, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static void test_removing_an_account_forgets_its_logins_alone(void **state)
{
    struct world *world = *state;

    add_account(world->store, "joe@example.org");
    fill(world, JOE, SLICE("ab"));
    fill(world, ANN, SLICE("cd"));
    assert_int_equal(count_rows(world, JOE), 8);
    assert_int_equal(store_account_remove(world->store, ANN), STORE_MISSING);
    assert_int_equal(count_rows(world, ANN), 8);
    assert_int_equal(store_account_remove(world->store, JOE), 0);
    assert_int_equal(count_rows(world, JOE), 0);
    assert_int_equal(count_rows(world, ANN), 8);
    assert_int_equal(store_login_forget(world->store, ANN), 0);
    assert_int_equal(count_rows(world, ANN), 0);
}

static void test_a_unit_of_writing_counts_whole_or_not_at_all(void **state)
{
    struct world *world = *state;
    struct store_passwords set = {.password = SLICE("$y$x")}, found;
    struct store_account account;

    assert_int_equal(store_write_begin(world->store), 0);
    add_account(world->store, "joe@example.org");
    assert_int_equal(store_passwords_set(world->store, JOE, &set), 0);
    assert_int_equal(store_write_end(world->store, STORE_EXISTS), STORE_EXISTS);
    assert_int_equal(store_passwords_find(world->store, &world->arena, JOE, &found), STORE_MISSING);
    assert_int_equal(store_account_find(world->store, &world->arena, JOE, &account), STORE_MISSING);
    assert_int_equal(store_write_begin(world->store), 0);
    add_account(world->store, "joe@example.org");
    assert_int_equal(store_write_end(world->store, 0), 0);
    assert_int_equal(store_account_set_enabled(world->store, JOE, false), 0);
    assert_int_equal(store_account_find(world->store, &world->arena, JOE, &account), 0);
    assert_false(account.enabled);
    assert_int_equal(store_account_set_enabled(world->store, ANN, false), STORE_MISSING);
}

static void test_the_secret_stays_the_same(void **state)
{
    struct world *world = *state;
    unsigned char first[STORE_SECRET_BYTES], second[STORE_SECRET_BYTES];

    assert_int_equal(store_secret_find(world->store, SLICE("false-salt"), first), 0);
    store_close(world->store);
    world->store = scratch_open(&world->scratch);
    assert_int_equal(store_secret_find(world->store, SLICE("false-salt"), second), 0);
    assert_memory_equal(first, second, sizeof(first));
    assert_int_equal(store_secret_find(world->store, SLICE("none"), first), STORE_MISSING);
}

/* The first form as its release wrote it, with content. */
static const char first_form[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE accounts (  address TEXT PRIMARY KEY NOT NULL,  created_ms INTEGER NOT NULL,"
    "  enabled INTEGER NOT NULL,  quota_bytes INTEGER,  quota_messages INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE aliases (  address TEXT NOT NULL,  position INTEGER NOT NULL,"
    "  target TEXT NOT NULL,  PRIMARY KEY (address, position),  UNIQUE (address, target)"
    ") STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 1316318819; PRAGMA user_version = 1;"
    "INSERT INTO accounts VALUES ('joe@example.org', 5, 1, NULL, 3);"
    "INSERT INTO aliases VALUES ('all@example.org', 1, 'joe@example.org');";

static void test_the_first_form_is_brought_up_to_date(void **state)
{
    struct world *world = *state;
    struct store_passwords set = {.password = SLICE("$y$x")};
    struct store_targets targets;
    struct store_account account;
    sqlite3 *db;

    store_close(world->store);
    assert_int_equal(unlink(world->scratch.path), 0);
    assert_int_equal(sqlite3_open(world->scratch.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, first_form, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    world->store = scratch_open(&world->scratch);
    assert_int_equal(store_account_find(world->store, &world->arena, JOE, &account), 0);
    assert_true(account.created_ms == 5 && account.enabled && account.quota_messages == 3);
    assert_int_equal(
        store_alias_find(world->store, &world->arena, SLICE("all@example.org"), &targets), 0);
    assert_int_equal(targets.count, 1);
    assert_int_equal(store_passwords_set(world->store, JOE, &set), 0);
    assert_int_equal(count_rows(world, JOE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passwords_are_kept_by_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_code_counts_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_another_key_lets_codes_count_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_app_passwords_are_named_and_remember_their_use, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_certificate_belongs_to_one_account, setup, teardown),
        cmocka_unit_test_setup_teardown(test_grants_are_of_an_address_or_a_whole_domain, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_limits_are_the_defaults_unless_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_freeze_stays_as_it_began, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocks_are_replaced_lifted_and_expire, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_removing_an_account_forgets_its_logins_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_unit_of_writing_counts_whole_or_not_at_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_secret_stays_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_form_is_brought_up_to_date, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
