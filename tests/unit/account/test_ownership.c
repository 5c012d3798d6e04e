/* As which addresses an account may send. */
#include "../cmocka_all.h"
#include "resolving.h"

#include <sqlite3.h>

static const char config_text[] = "hostname mx.example.org\n"
                                  "postmaster admin@example.org\n"
                                  "domain example.org { catch_all info@example.org }\n"
                                  "domain other.example { alias_of example.org }\n"
                                  "domain second.example { catch_all box@example.org }\n"
                                  "domain relayed.example { route back }\n"
                                  "route back { host 192.0.2.1:25 }\n";

static int set_up(void **state)
{
    return bench_init(state, config_text);
}

static enum resolve_status may_send(struct bench *bench, const char *account, const char *address)
{
    struct msg_resolve request = {
        .request = 1, .address = slice_from_cstr(address), .sender = slice_from_cstr(account)};

    bench->now_ms += 1000;
    return ask(bench, &request, bench->now_ms)->status;
}

static void fill(struct store *store)
{
    static const char *const accounts[] = {
        "joe@example.org",   "ann@example.org",   "info@example.org",
        "admin@example.org", "box@example.org",   "joe@second.example",
        "bob@example.org",   "ann+x@example.org", "eve@second.example"};

    for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++)
        add_account(store, accounts[i]);
    add_alias(store, "sales@example.org", "joe@example.org");
    add_alias(store, "sales@example.org", "far@elsewhere.example");
    add_alias(store, "all@second.example", "sales@other.example");
    add_alias(store, "tagged@example.org", "joe+lists@example.org");
    add_alias(store, "joe+bills@example.org", "ann@example.org");
    add_alias(store, "eve@second.example", "eve@second.example");
    add_alias(store, "eve@second.example", "joe@example.org");
    add_alias(store, "team@second.example", "eve@second.example");
    add_alias(store, "box@example.org", "bob@example.org");
    add_alias(store, "loop1@example.org", "loop2@example.org");
    add_alias(store, "loop2@example.org", "loop1@example.org");
    for (char i = '1'; i <= '6'; i++) {
        char from[] = "deep0@example.org", to[] = "deep0@example.org";
        from[4] = i;
        to[4] = (char)(i + 1);
        add_alias(store, from, i == '6' ? "joe@example.org" : to);
    }
    assert_int_equal(store_grant_add(store, SLICE("joe@example.org"), SLICE("boss@second.example")),
                     0);
    assert_int_equal(store_grant_add(store, SLICE("joe@example.org"), SLICE("me@far.example")), 0);
    assert_int_equal(store_grant_add(store, SLICE("bob@example.org"), SLICE("@second.example")), 0);
    assert_int_equal(store_grant_add(store, SLICE("bob@example.org"), SLICE("x@other.example")), 0);
}

static void test_each_address_is_somebodys_own_or_not(void **state)
{
    static const struct {
        const char *account, *address;
        bool own;
    } cases[] = {
        {"joe@example.org", "joe@example.org", true},
        {"joe@example.org", "JOE@Example.ORG", true},
        {"joe@example.org", "\"joe\"@example.org", true},
        {"joe@example.org", "joe+tag@example.org", true},
        {"joe@example.org", "joe@other.example", true},
        {"joe@example.org", "joe+tag@other.example", true},
        {"joe@example.org", "joe@second.example", false},
        {"joe@example.org", "ann@example.org", false},
        {"joe@example.org", "nobody@example.org", false},
        {"joe@example.org", "joe@far.example", false},
        {"joe@example.org", "joe@relayed.example", false},
        {"joe@example.org", "joe@sub.example.org", false},
        {"joe@example.org", "joe", false},
        {"joe@example.org", "", false},
        /* A tag that is an alias or account by itself is not joe's and ann's. */
        {"joe@example.org", "joe+bills@example.org", false},
        {"ann@example.org", "joe+bills@example.org", true},
        {"ann@example.org", "ann+x@example.org", false},
        {"ann@example.org", "ann+y@example.org", true},
        /* Aliases: exact, and through others, also in other domains. */
        {"joe@example.org", "sales@example.org", true},
        {"joe@example.org", "sales@other.example", true},
        {"joe@example.org", "sales+x@example.org", false},
        {"joe@example.org", "tagged@example.org", true},
        {"joe@example.org", "all@second.example", true},
        {"ann@example.org", "sales@example.org", false},
        {"far@elsewhere.example", "sales@example.org", true},
        {"joe@example.org", "loop1@example.org", false},
        /* A copy of another's mail goes to joe. */
        {"joe@example.org", "eve@second.example", false},
        {"joe@example.org", "team@second.example", false},
        {"eve@second.example", "team@second.example", true},
        /* All of it goes to bob. */
        {"bob@example.org", "box@example.org", true},
        /* Five deep, and no deeper. */
        {"joe@example.org", "deep2@example.org", true},
        {"joe@example.org", "deep1@example.org", false},
        /* Grants. */
        {"joe@example.org", "boss@second.example", true},
        {"joe@example.org", "Boss@Second.example", true},
        {"joe@example.org", "me@far.example", true},
        {"joe@example.org", "you@far.example", false},
        {"bob@example.org", "anything@second.example", true},
        {"bob@example.org", "eve@second.example", true},
        {"bob@example.org", "anything@example.org", false},
        {"bob@example.org", "x@other.example", true},
        {"eve@second.example", "boss@second.example", false},
        /* What nobody else claims goes to the catch-all and the postmaster. */
        {"info@example.org", "nobody@example.org", true},
        {"info@example.org", "ann@example.org", false},
        {"info@example.org", "joe+new@example.org", false},
        {"info@example.org", "sales@example.org", false},
        {"info@example.org", "nobody@second.example", false},
        {"box@example.org", "nobody@second.example", true},
        {"box@example.org", "eve@second.example", false},
        {"admin@example.org", "postmaster@example.org", true},
        {"admin@example.org", "postmaster@second.example", true},
        {"admin@example.org", "postmaster@relayed.example", false},
        {"admin@example.org", "nobody@example.org", false},
        {"joe@example.org", "postmaster@example.org", false},
    };
    struct bench *bench = *state;

    fill(bench->store);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            enum resolve_status got = may_send(bench, cases[i].account, cases[i].address);
            if (got != (cases[i].own ? RESOLVE_OWN : RESOLVE_UNKNOWN))
                fail_msg("%s as %s (round %d): status %d", cases[i].account, cases[i].address,
                         round, (int)got);
        }
    }
    assert_true(resolver_counts(bench->resolver).from_cache > 0);
}

static void test_a_change_counts_at_once(void **state)
{
    struct bench *bench = *state;

    fill(bench->store);
    assert_int_equal(may_send(bench, "ann@example.org", "boss@second.example"), RESOLVE_UNKNOWN);
    assert_int_equal(
        store_grant_add(bench->store, SLICE("ann@example.org"), SLICE("boss@second.example")), 0);
    assert_int_equal(may_send(bench, "ann@example.org", "boss@second.example"), RESOLVE_OWN);
    assert_int_equal(
        store_grant_remove(bench->store, SLICE("ann@example.org"), SLICE("boss@second.example")),
        0);
    assert_int_equal(may_send(bench, "ann@example.org", "boss@second.example"), RESOLVE_UNKNOWN);
    /* An answer about an address is not one about its sender. */
    bench->now_ms += 1000;
    assert_int_equal(
        ask(bench, &(struct msg_resolve){.address = SLICE("ann@example.org")}, bench->now_ms)
            ->status,
        RESOLVE_LOCAL);
    assert_int_equal(may_send(bench, "joe@example.org", "ann@example.org"), RESOLVE_UNKNOWN);
}

static void test_without_a_store_only_the_own_address_is_sure(void **state)
{
    struct bench *bench = *state;

    fill(bench->store);
    directories_set_store(bench->directories, NULL);
    assert_int_equal(may_send(bench, "joe@example.org", "joe@other.example"), RESOLVE_OWN);
    assert_int_equal(may_send(bench, "joe@example.org", "sales@example.org"), RESOLVE_LATER);
    assert_int_equal(may_send(bench, "joe@example.org", "ann@example.org"), RESOLVE_LATER);
    assert_int_equal(may_send(bench, "joe@example.org", "me@far.example"), RESOLVE_LATER);
}

static void test_a_store_that_breaks_refuses_nobody(void **state)
{
    struct bench *bench = *state;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(bench->scratch.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE grants", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(may_send(bench, "joe@example.org", "ann@example.org"), RESOLVE_LATER);
    assert_true(directories_store_is_broken(bench->directories));
}

/* A list of many members is searched, and one of too many branches ends. */
static void test_a_wide_alias_has_its_bound(void **state)
{
    struct bench *bench = *state;
    char name[64];

    add_account(bench->store, "joe@example.org");
    for (int i = 0; i < 900; i++) {
        snprintf(name, sizeof(name), "member%d@example.org", i);
        add_alias(bench->store, "wide@example.org", name);
    }
    add_alias(bench->store, "wide@example.org", "joe@example.org");
    add_alias(bench->store, "member899@example.org", "ann@example.org");
    assert_int_equal(may_send(bench, "joe@example.org", "wide@example.org"), RESOLVE_OWN);
    assert_int_equal(may_send(bench, "ann@example.org", "wide@example.org"), RESOLVE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_address_is_somebodys_own_or_not, set_up,
                                        bench_done),
        cmocka_unit_test_setup_teardown(test_a_change_counts_at_once, set_up, bench_done),
        cmocka_unit_test_setup_teardown(test_without_a_store_only_the_own_address_is_sure, set_up,
                                        bench_done),
        cmocka_unit_test_setup_teardown(test_a_store_that_breaks_refuses_nobody, set_up,
                                        bench_done),
        cmocka_unit_test_setup_teardown(test_a_wide_alias_has_its_bound, set_up, bench_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
