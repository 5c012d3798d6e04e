#include "../cmocka_all.h"

#include "account/passwd_table.h"
#include "base/buf.h"

#include <string.h>

struct result {
    struct passwd_table *table;
    struct problem_list problems, warnings;
};

static struct result parse(struct slice text)
{
    struct result result;

    problem_list_init(&result.problems);
    problem_list_init(&result.warnings);
    result.table = passwd_table_parse(SLICE("users"), text, &result.problems, &result.warnings);
    assert_true((result.table == NULL) == (result.problems.count > 0));
    return result;
}

static void done(struct result *result)
{
    passwd_table_free(result->table);
    problem_list_done(&result->problems);
    problem_list_done(&result->warnings);
}

static void test_users_are_found_by_their_address(void **state)
{
    static const char text[] =
        "# a comment\n"
        "\n"
        "Joe@Example.org:{SSHA256}abc=:1000:1000:Joe, of Sales:/home/joe:/bin/sh:"
        "userdb_quota_rule=*:storage=1G userdb_mail=maildir:~/Maildir\r\n"
        "ann:$y$j9T$salt$hash\n"
        "\"two words\"@example.org:{PLAIN}pass\n"
        "bare\n"
        "locked:*:1:1::/home::\n"
        "shadow:x:1:1\n"
        "off:!$6$abc:1:1\n"
        "limited:{PLAIN}p::::::userdb_quota_rule=*:messages=10:storage=2048\n"
        "unlimited:{PLAIN}p::::::userdb_quota_rule=*:ignore\n"
        "shut:{PLAIN}p::::::nologin\n"
        "last:{PLAIN}p::::::";
    static const struct {
        const char *address, *password;
        bool own_quota;
        uint64_t bytes;
        uint32_t messages;
    } cases[] = {
        {"joe@example.org", "{SSHA256}abc=", true, 1 << 30, 0},
        {"ann@example.org", "$y$j9T$salt$hash", false, 0, 0},
        {"ann@other.example", "$y$j9T$salt$hash", false, 0, 0},
        {"\"two words\"@example.org", "{PLAIN}pass", false, 0, 0},
        {"bare@x.example", "", false, 0, 0},
        {"locked@x.example", "", false, 0, 0},
        {"shadow@x.example", "", false, 0, 0},
        {"off@x.example", "", false, 0, 0},
        {"limited@x.example", "{PLAIN}p", true, 2 << 20, 10},
        {"unlimited@x.example", "{PLAIN}p", true, 0, 0},
        {"shut@x.example", "", false, 0, 0},
        {"last@x.example", "{PLAIN}p", false, 0, 0},
    };
    struct result result = parse(SLICE(text));

    (void)state;
    assert_non_null(result.table);
    assert_int_equal(result.warnings.count, 0);
    assert_int_equal(passwd_table_count(result.table), 11);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct passwd_user *user =
            passwd_table_find(result.table, slice_from_cstr(cases[i].address));
        if (!user)
            fail_msg("%s is not there", cases[i].address);
        if (!slice_eq(user->password, slice_from_cstr(cases[i].password)))
            fail_msg("%s: password '%.*s'", cases[i].address, SLICE_ARG(user->password));
        assert_int_equal(user->own_quota, cases[i].own_quota);
        assert_int_equal(user->quota.bytes, cases[i].bytes);
        assert_int_equal(user->quota.messages, cases[i].messages);
    }
    assert_null(passwd_table_find(result.table, SLICE("joe@other.example")));
    assert_null(passwd_table_find(result.table, SLICE("nobody@example.org")));
    done(&result);
}

static void test_each_mistake_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"joe:x\n:x\n", "users:2: '' is neither"},
        {"joe smith:x\n", "users:1: 'joe smith' is neither"},
        {"joe:x\n\nJOE:y\n", "users:3: joe is there already, in line 1"},
        {"j@a@b:x\n", "users:1: 'j@a@b' is neither"},
        {"joe\xff:x\n", "users:1: 'joe\xff' is neither"},
    };
    struct result result;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice line;
        result = parse(slice_from_cstr(cases[i].text));
        assert_null(result.table);
        line = problem_line(&result.problems, result.problems.first);
        if (!slice_starts_with_nocase(line, slice_from_cstr(cases[i].problem)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(line));
        done(&result);
    }
    result = parse(SLICE("joe:x\n\0nn:x\n"));
    assert_null(result.table);
    done(&result);
}

static void test_what_is_not_checked_lets_nobody_in(void **state)
{
    struct result result = parse(SLICE("joe:{PLAIN}p::::::allow_nets=192.0.2.0/24\n"
                                       "ann:{PLAIN}p::::::userdb_quota_rule=Trash:storage=10%\n"));

    (void)state;
    assert_non_null(result.table);
    assert_int_equal(result.warnings.count, 2);
    assert_int_equal(result.warnings.first->line, 1);
    assert_int_equal(passwd_table_find(result.table, SLICE("joe@a.example"))->password.len, 0);
    assert_false(passwd_table_find(result.table, SLICE("ann@a.example"))->own_quota);
    done(&result);
}

static void test_quota_rules(void **state)
{
    static const struct {
        const char *rule;
        bool good;
        uint64_t bytes;
        uint32_t messages;
    } cases[] = {
        {"*:storage=1", true, 1024, 0},
        {"*:storage=5b", true, 5, 0},
        {"*:storage=2T", true, 2ULL << 40, 0},
        {"*:bytes=77", true, 77, 0},
        {"?:messages=3", true, 0, 3},
        {"*:bytes=1k:messages=3", true, 1024, 3},
        {"*:ignore", true, 0, 0},
        {"*:storage=0", true, 0, 0},
        {"*", false, 0, 0},
        {"Trash:storage=1M", false, 0, 0},
        {"*:storage=+10M", false, 0, 0},
        {"*:storage=10%", false, 0, 0},
        {"*:storage=", false, 0, 0},
        {"*:storage=99999999999T", false, 0, 0},
        {"*:messages=4294967296", false, 0, 0},
        {"*:backup=1", false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct quota_rule rule = {0};
        if (quota_rule_parse(slice_from_cstr(cases[i].rule), &rule) != cases[i].good ||
            rule.bytes != cases[i].bytes || rule.messages != cases[i].messages)
            fail_msg("%s", cases[i].rule);
    }
}

static void test_a_large_table(void **state)
{
    enum { MANY = 100000 };
    struct buf text;
    struct result result;

    (void)state;
    buf_init(&text, 64 << 20);
    for (int i = 0; i < MANY; i++)
        buf_printf(&text, "user%d@example.org:{PLAIN}secret%d:1000:1000::/home/%d::\n", i, i, i);
    result = parse(buf_slice(&text));
    assert_non_null(result.table);
    assert_int_equal(passwd_table_count(result.table), MANY);
    assert_non_null(passwd_table_find(result.table, SLICE("user99999@example.org")));
    done(&result);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_are_found_by_their_address),
        cmocka_unit_test(test_each_mistake_is_told_with_its_line),
        cmocka_unit_test(test_what_is_not_checked_lets_nobody_in),
        cmocka_unit_test(test_quota_rules),
        cmocka_unit_test(test_a_large_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
