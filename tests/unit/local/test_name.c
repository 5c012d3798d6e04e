#include "local/name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_accounts_become_safe_components(void **state)
{
    static const struct {
        struct slice account;
        int result;
        const char *domain, *user;
    } cases[] = {
        {SLICE_INIT("joe@example.org"), 0, "example.org", "joe"},
        {SLICE_INIT("Joe@Example.ORG"), 0, "example.org", "joe"},
        {SLICE_INIT("postmaster"), 0, "", ""},
        {SLICE_INIT("Postmaster"), 0, "", ""},
        {SLICE_INIT("postmaster@example.org"), 0, "example.org", "postmaster"},
        {SLICE_INIT(".@example.org"), 0, "example.org", "%2E"},
        {SLICE_INIT("..@example.org"), 0, "example.org", "%2E%2E"},
        {SLICE_INIT("joe@.."), 0, "%2E%2E", "joe"},
        {SLICE_INIT("...@example.org"), 0, "example.org", "..."},
        {SLICE_INIT("../../etc@example.org"), 0, "example.org", "..%2F..%2Fetc"},
        {SLICE_INIT("a%2Fb@example.org"), 0, "example.org", "a%252fb"},
        {SLICE_INIT("a\0b@example.org"), 0, "example.org", "a%00b"},
        {SLICE_INIT("a\nb\x7f@example.org"), 0, "example.org", "a%0Ab%7F"},
        {SLICE_INIT("j\xc3\xbcrgen@example.org"), 0, "example.org", "j\xc3\xbcrgen"},
        {SLICE_INIT("a@b@example.org"), 0, "example.org", "a@b"},
        {SLICE_INIT("@example.org"), -EINVAL, "", ""},
        {SLICE_INIT("joe@"), -EINVAL, "", ""},
        {SLICE_INIT("joe"), -EINVAL, "", ""},
        {SLICE_INIT(""), -EINVAL, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct account_path path = {.domain = "?"};
        assert_int_equal(name_account(cases[i].account, &path), cases[i].result);
        if (cases[i].result)
            continue;
        assert_string_equal(path.domain, cases[i].domain);
        assert_string_equal(path.user, cases[i].user);
    }
}

static void test_a_component_has_the_length_of_a_name_at_most(void **state)
{
    struct account_path path;
    char account[400];

    (void)state;
    memset(account, 'a', sizeof(account));
    memcpy(account + 255, "@example.org", 12);
    assert_int_equal(name_account(slice_from(account, 267), &path), 0);
    assert_int_equal(strlen(path.user), 255);
    account[0] = '/';
    assert_int_equal(name_account(slice_from(account, 267), &path), -ENAMETOOLONG);
}

static void test_file_names_carry_identity_and_sizes(void **state)
{
    const struct file_key key = {.message_id = 12345,
                                 .recipient = 7,
                                 .received_ms = 1700000000999,
                                 .host = SLICE("mx.example.org")};
    char name[NAME_SIZE], want[NAME_SIZE];
    uint64_t id = 0, size = 0;
    uint32_t recipient = 0;

    (void)state;
    name_file(&key, 1000, 1030, name);
    snprintf(want, sizeof(want), "1700000000.N%s_7.mx.example.org,S=1000,W=1030",
             message_id_format(12345).text);
    assert_string_equal(name, want);
    assert_true(name_file_parse(slice_from_cstr(name), &id, &recipient));
    assert_true(id == 12345);
    assert_int_equal(recipient, 7);
    assert_true(name_file_size(slice_from_cstr(name), &size));
    assert_true(size == 1000);
}

static void test_host_cannot_break_a_name(void **state)
{
    char host[300] = "", name[NAME_SIZE];
    struct file_key key = {.host = slice_from(host, sizeof(host))};

    (void)state;
    memset(host, '/', sizeof(host));
    host[1] = ':';
    host[2] = ',';
    name_file(&key, UINT64_MAX, UINT64_MAX, name);
    assert_null(strpbrk(name, "/:"));
    assert_non_null(strstr(name, ",S=18446744073709551615,W=18446744073709551615"));
}

static void test_names_of_others_are_told_apart(void **state)
{
    static const struct slice others[] = {
        SLICE_INIT(""),
        SLICE_INIT("1700000000"),
        SLICE_INIT("1700000000.M123P456.host,S=100:2,S"),
        SLICE_INIT("1700000000.N0000000000000_.host"),
        SLICE_INIT("1700000000.N0000000000000_1"),
        SLICE_INIT("1700000000.N0000000000000-1.host"),
        SLICE_INIT("1700000000.N!000000000000_1.host"),
        SLICE_INIT("x.N0000000000000_1.host"),
    };
    uint64_t id;
    uint32_t recipient;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(name_file_parse(others[i], &id, &recipient));
    assert_true(
        name_file_parse(SLICE("1700000000.N0000000000000_1.host,S=1,W=1:2,RS"), &id, &recipient));
}

static void test_sizes_are_read_from_anybodys_name(void **state)
{
    static const struct {
        struct slice name;
        bool good;
        uint64_t size;
    } cases[] = {
        {SLICE_INIT("1700000000.M1P2.host,S=100,W=103:2,S"), true, 100},
        {SLICE_INIT("1700000000.M1P2.host,W=103,S=99"), true, 99},
        {SLICE_INIT("1700000000.M1P2.host:2,S=5"), false, 0},
        {SLICE_INIT("1700000000.M1P2.host,S=abc"), false, 0},
        {SLICE_INIT("1700000000.M1P2.host"), false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t size = 0;
        assert_int_equal(name_file_size(cases[i].name, &size), cases[i].good);
        assert_true(size == cases[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts_become_safe_components),
        cmocka_unit_test(test_a_component_has_the_length_of_a_name_at_most),
        cmocka_unit_test(test_file_names_carry_identity_and_sizes),
        cmocka_unit_test(test_host_cannot_break_a_name),
        cmocka_unit_test(test_names_of_others_are_told_apart),
        cmocka_unit_test(test_sizes_are_read_from_anybodys_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
