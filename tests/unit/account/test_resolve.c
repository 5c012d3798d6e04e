#include "../cmocka_all.h"
#include "resolving.h"
#include "trust/srs.h"

#include <errno.h>
#include <sqlite3.h>

static const char config_text[] =
    "hostname mx.example.org\n"
    "postmaster admin@example.org\n"
    "domain example.org { quota 1M }\n"
    "domain catch.example { catch_all info@catch.example }\n"
    "domain dead.example { catch_all info@dead.example }\n"
    "domain away.example { catch_all joe@far.example }\n"
    "domain tick.example { catch_all x@tock.example }\n"
    "domain tock.example { catch_all x@tick.example }\n"
    "domain other.example { alias_of example.org }\n"
    "domain b\xc3\xbc"
    "cher.example\n"
    "domain routed.example { deliver route back }\n"
    "domain all.example { deliver route back; recipients any }\n"
    "domain allalias.example { alias_of all.example }\n"
    "domain program.example { deliver program archive; recipients any }\n"
    "domain relayed.example { route back }\n"
    "domain checked.example { route back; recipients accounts }\n"
    "route back { host 192.0.2.1:25 }\n"
    "program archive { command /bin/cat; user archive }\n";

static int set_up(void **state)
{
    return bench_init(state, config_text);
}

static int tear_down(void **state)
{
    return bench_done(state);
}

static const char *const names[] = {"", "local", "expand", "route", "unknown", "later", "full"};

/* The answer as text: "local joe@example.org", "expand a@x b@x", "route", "unknown". */
static const char *resolve_via(struct bench *bench, const char *address, const char *via)
{
    struct msg_resolve request = {
        .request = 42, .address = slice_from_cstr(address), .via = slice_from_cstr(via)};
    const struct msg_resolved *answer;
    struct buf text;
    const char *copy;

    /* Each question a second later than the last: changes of the store are always seen. */
    bench->now_ms += 1000;
    answer = ask(bench, &request, bench->now_ms);
    assert_int_equal(answer->request, 42);
    assert_in_range(answer->status, RESOLVE_LOCAL, RESOLVE_FULL);
    buf_init(&text, 4096);
    buf_add_cstr(&text, names[answer->status]);
    if (answer->account.len)
        buf_printf(&text, " %.*s", SLICE_ARG(answer->account));
    for (uint32_t i = 0; i < answer->n_targets; i++)
        buf_printf(&text, " %.*s", SLICE_ARG(answer->targets[i]));
    copy = arena_cstr(&bench->arena, buf_slice(&text));
    buf_done(&text);
    return copy;
}

static const char *resolve(struct bench *bench, const char *address)
{
    return resolve_via(bench, address, NULL);
}

static void test_each_kind_of_address_has_its_answer(void **state)
{
    static const struct {
        const char *address, *want;
    } cases[] = {
        {"joe@example.org", "local joe@example.org"},
        {"JOE@Example.ORG", "local joe@example.org"},
        {"\"joe\"@example.org", "local joe@example.org"},
        {"joe+list@example.org", "local joe@example.org"},
        {"Joe+@example.org", "local joe@example.org"},
        {"\"two words\"@example.org", "local \"two words\"@example.org"},
        {"+joe@example.org", "unknown"},
        {"jo@example.org", "unknown"},
        {"joe@sub.example.org", "later"},
        {"no address", "unknown"},
        /* Aliases, with and without a tag of their own. */
        {"team@example.org", "expand joe@example.org ann@elsewhere.example"},
        {"Team+x@example.org", "expand joe@example.org ann@elsewhere.example"},
        {"joe+bills@example.org", "expand books@example.org"},
        {"hook@example.org", "expand program:archive"},
        /* A domain alias means the other domain's mailboxes and aliases. */
        {"joe+x@other.example", "local joe@example.org"},
        {"team@other.example", "expand joe@example.org ann@elsewhere.example"},
        {"jo@other.example", "unknown"},
        /* Internationalised domains, in both spellings. */
        {"joe@b\xc3\xbc"
         "cher.example",
         "local joe@xn--bcher-kva.example"},
        {"joe@XN--bcher-kva.example", "local joe@xn--bcher-kva.example"},
        /* Delivered elsewhere. */
        {"joe@routed.example", "route"},
        {"jo@routed.example", "unknown"},
        {"jo@all.example", "route"},
        {"postmaster@all.example", "route"},
        {"Jo+x@allalias.example", "expand Jo+x@all.example"},
        {"jo@program.example", "expand program:archive"},
        {"anybody@relayed.example", "route"},
        {"joe@checked.example", "route"},
        {"jo@checked.example", "unknown"},
        {"postmaster@checked.example", "route"},
        /* Catch-all; not for itself. */
        {"anybody@catch.example", "expand info@catch.example"},
        {"info+x@catch.example", "local info@catch.example"},
        {"anybody@dead.example", "unknown"},
        {"info@dead.example", "unknown"},
        {"info+x@dead.example", "unknown"},
        {"anybody@away.example", "expand joe@far.example"},
        {"anybody@tick.example", "expand x@tock.example"},
        {"anybody@tock.example", "expand x@tick.example"},
        {"postmaster@catch.example", "expand admin@example.org"},
        /* Postmaster is always there. */
        {"postmaster", "expand admin@example.org"},
        {"PostMaster@example.org", "expand admin@example.org"},
        {"postmaster@other.example", "expand admin@example.org"},
        {"postmaster@routed.example", "expand admin@example.org"},
        {"postmaster@b\xc3\xbc"
         "cher.example",
         "local postmaster@xn--bcher-kva.example"},
        {"shut@example.org", "unknown"},
    };
    struct bench *bench = *state;

    add_account(bench->store, "joe@example.org");
    add_account(bench->store, "\"two words\"@example.org");
    add_account(bench->store, "joe@xn--bcher-kva.example");
    add_account(bench->store, "postmaster@xn--bcher-kva.example");
    add_account(bench->store, "info@catch.example");
    add_account(bench->store, "admin@example.org");
    add_account(bench->store, "joe@routed.example");
    add_account(bench->store, "joe@checked.example");
    add_alias(bench->store, "team@example.org", "joe@example.org");
    add_alias(bench->store, "team@example.org", "ann@elsewhere.example");
    add_alias(bench->store, "joe+bills@example.org", "books@example.org");
    add_alias(bench->store, "hook@example.org", "program:archive");
    assert_int_equal(
        store_account_add(bench->store,
                          &(struct store_account){.address = SLICE("shut@example.org")}),
        0);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            const char *got = resolve(bench, cases[i].address);
            if (strcmp(got, cases[i].want) != 0)
                fail_msg("%s (round %d): got '%s', want '%s'", cases[i].address, round, got,
                         cases[i].want);
        }
    }
    assert_true(resolver_counts(bench->resolver).from_cache > 0);
}

static void test_an_alias_that_names_itself_means_its_mailbox(void **state)
{
    struct bench *bench = *state;

    add_account(bench->store, "joe@example.org");
    add_alias(bench->store, "joe@example.org", "joe@example.org");
    add_alias(bench->store, "joe@example.org", "copy@example.org");
    assert_string_equal(resolve(bench, "joe@example.org"),
                        "expand joe@example.org copy@example.org");
    assert_string_equal(resolve_via(bench, "joe@example.org", "JOE@example.org"),
                        "local joe@example.org");
    assert_string_equal(resolve_via(bench, "joe@example.org", "joe+tag@example.org"),
                        "local joe@example.org");
    assert_string_equal(resolve_via(bench, "joe@example.org", "joe@other.example"),
                        "local joe@example.org");
    assert_string_equal(resolve_via(bench, "joe@example.org", "ann@example.org"),
                        "expand joe@example.org copy@example.org");
    assert_string_equal(resolve(bench, "joe@example.org"),
                        "expand joe@example.org copy@example.org");
}

static void test_postmaster_without_anything_configured_has_a_mailbox(void **state)
{
    struct bench *bench = *state;
    struct config *config = parse("hostname a.example\ndomain a.example\n"
                                  "domain catch.example { catch_all all@a.example }\n"
                                  "domain own.example { catch_all postmaster@own.example }\n");

    use_config(bench, config);
    config_unref(config);
    assert_string_equal(resolve(bench, "postmaster"), "local postmaster");
    assert_string_equal(resolve(bench, "Postmaster@a.example"), "local postmaster");
    assert_string_equal(resolve(bench, "postmaster@catch.example"), "local postmaster");
    add_account(bench->store, "all@a.example");
    assert_string_equal(resolve(bench, "postmaster@catch.example"), "expand all@a.example");
    assert_string_equal(resolve(bench, "postmaster@own.example"), "local postmaster");
    assert_string_equal(resolve(bench, "x@own.example"), "expand postmaster@own.example");
}

static void test_a_configured_postmaster_who_does_not_exist_is_passed_over(void **state)
{
    struct bench *bench = *state;

    assert_string_equal(resolve(bench, "postmaster"), "local postmaster");
    assert_string_equal(resolve(bench, "postmaster@example.org"), "local postmaster");
    add_alias(bench->store, "admin@example.org", "joe@far.example");
    assert_string_equal(resolve(bench, "postmaster"), "expand admin@example.org");
    assert_string_equal(resolve(bench, "postmaster@example.org"), "expand admin@example.org");
}

static void test_a_postmaster_that_means_himself_is_the_mailbox(void **state)
{
    struct bench *bench = *state;
    struct config *config = parse("hostname a.example\npostmaster Postmaster@a.example\n"
                                  "domain a.example\ndomain b.example\n");

    use_config(bench, config);
    config_unref(config);
    assert_string_equal(resolve(bench, "postmaster@b.example"), "expand Postmaster@a.example");
    assert_string_equal(resolve(bench, "postmaster@a.example"), "local postmaster");
    add_account(bench->store, "postmaster@a.example");
    assert_string_equal(resolve(bench, "postmaster@a.example"), "local postmaster@a.example");
}

static void test_quotas_are_the_accounts_own_or_the_domains(void **state)
{
    struct bench *bench = *state;
    struct store_account own = {.address = SLICE("own@example.org"),
                                .enabled = true,
                                .own_quota = true,
                                .quota_bytes = 77,
                                .quota_messages = 5};
    struct msg_resolve request = {.address = SLICE("own@example.org")};
    const struct msg_resolved *answer;

    assert_int_equal(store_account_add(bench->store, &own), 0);
    own.address = SLICE("none@example.org");
    own.quota_bytes = own.quota_messages = 0;
    assert_int_equal(store_account_add(bench->store, &own), 0);
    add_account(bench->store, "joe@example.org");
    answer = ask(bench, &request, 0);
    assert_true(answer->quota_bytes == 77 && answer->quota_messages == 5);
    request.address = SLICE("none@example.org");
    answer = ask(bench, &request, 0);
    assert_true(answer->quota_bytes == 0 && answer->quota_messages == 0);
    request.address = SLICE("joe@example.org");
    answer = ask(bench, &request, 0);
    assert_true(answer->quota_bytes == 1 << 20 && answer->quota_messages == 0);
}

static void test_a_full_mailbox_is_full_for_a_minute(void **state)
{
    struct bench *bench = *state;
    struct msg_usage usage = {.account = SLICE("joe@example.org"), .full = true};

    add_account(bench->store, "joe@example.org");
    assert_string_equal(resolve(bench, "joe@example.org"), "local joe@example.org");
    resolver_usage(bench->resolver, &usage);
    assert_string_equal(resolve(bench, "joe@example.org"), "full joe@example.org");
    assert_string_equal(resolve(bench, "JOE+x@example.org"), "full joe@example.org");
    assert_int_equal(resolver_full_count(bench->resolver), 1);
    bench->now_ms += 60000;
    assert_string_equal(resolve(bench, "joe@example.org"), "local joe@example.org");
    resolver_usage(bench->resolver, &usage);
    usage.full = false;
    resolver_usage(bench->resolver, &usage);
    assert_string_equal(resolve(bench, "joe@example.org"), "local joe@example.org");
}

static void test_changes_of_the_store_are_seen_within_100_ms(void **state)
{
    struct bench *bench = *state;
    struct msg_resolve request = {.address = SLICE("new@example.org")};
    const struct msg_resolved *answer;

    answer = ask(bench, &request, 1000);
    assert_int_equal(answer->status, RESOLVE_UNKNOWN);
    add_account(bench->store, "new@example.org");
    answer = ask(bench, &request, 1099);
    assert_int_equal(answer->status, RESOLVE_UNKNOWN);
    assert_int_equal(resolver_counts(bench->resolver).from_cache, 1);
    answer = ask(bench, &request, 1100);
    assert_int_equal(answer->status, RESOLVE_LOCAL);
}

static void test_without_a_store_nobody_is_unknown(void **state)
{
    struct bench *bench = *state;

    add_account(bench->store, "joe@example.org");
    directories_set_store(bench->directories, NULL);
    assert_string_equal(resolve(bench, "joe@example.org"), "later");
    assert_string_equal(resolve(bench, "nobody@example.org"), "later");
    assert_string_equal(resolve(bench, "x@relayed.example"), "route");
    assert_string_equal(resolve(bench, "postmaster"), "expand admin@example.org");
    directories_set_store(bench->directories, bench->own);
    assert_string_equal(resolve(bench, "joe@example.org"), "local joe@example.org");
}

/* What an address of SRS at this domain means, with the secrets that there are. */
static enum resolve_status resolve_srs(struct bench *bench, struct slice address)
{
    struct msg_resolve request = {.address = address};
    return ask(bench, &request, 1000)->status;
}

static void test_an_address_of_srs_is_its_sender(void **state)
{
    struct bench *bench = *state;
    struct srs srs = {.n_secrets = 0};
    struct slice secrets = SLICE("a passphrase of the test\n"), today, soon, late;

    srs_take_secrets(&srs, secrets);
    assert_true(
        srs_forward(&srs, SLICE("a@b.example"), SLICE("example.org"), 0, &bench->arena, &today));
    assert_true(srs_forward(&srs, SLICE("a@b.example"), SLICE("example.org"), 1024 - 21,
                            &bench->arena, &soon));
    assert_true(srs_forward(&srs, SLICE("a@b.example"), SLICE("example.org"), 1024 - 22,
                            &bench->arena, &late));
    assert_int_equal(resolve_srs(bench, today), RESOLVE_LATER);
    assert_int_equal(resolve_srs(bench, SLICE("srs0-team@example.org")), RESOLVE_UNKNOWN);
    resolver_take_srs_secrets(bench->resolver, secrets);
    assert_int_equal(resolve_srs(bench, today), RESOLVE_EXPAND);
    assert_int_equal(bench->answer.n_targets, 1);
    assert_true(slice_eq(bench->answer.targets[0], SLICE("a@b.example")));
    assert_int_equal(resolve_srs(bench, soon), RESOLVE_EXPAND);
    assert_int_equal(resolve_srs(bench, late), RESOLVE_EXPIRED);
    assert_int_equal(resolve_srs(bench, SLICE("SRS0=ABCDEFGH=AA=b.example=a@example.org")),
                     RESOLVE_FORGED);
    resolver_take_srs_secrets(bench->resolver, SLICE("another passphrase of it\n"));
    assert_int_equal(resolve_srs(bench, today), RESOLVE_FORGED);
    assert_string_equal(resolve(bench, "srs1=x@relayed.example"), "route");
}

static void test_a_store_that_breaks_makes_nobody_unknown(void **state)
{
    struct bench *bench = *state;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(bench->scratch.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE accounts", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_string_equal(resolve(bench, "nobody@example.org"), "later");
    assert_true(directories_store_is_broken(bench->directories));
    assert_int_equal(resolver_counts(bench->resolver).failed, 1);
    directories_set_store(bench->directories, NULL);
    assert_false(directories_store_is_broken(bench->directories));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_kind_of_address_has_its_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_alias_that_names_itself_means_its_mailbox, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_postmaster_without_anything_configured_has_a_mailbox,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_configured_postmaster_who_does_not_exist_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_postmaster_that_means_himself_is_the_mailbox, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_quotas_are_the_accounts_own_or_the_domains, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_mailbox_is_full_for_a_minute, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_changes_of_the_store_are_seen_within_100_ms, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_store_nobody_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_address_of_srs_is_its_sender, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_that_breaks_makes_nobody_unknown, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
