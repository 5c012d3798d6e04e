#include "dns/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char text[] = "127.0.0.1\tlocalhost here # and a comment with localhost2\n"
                           "::1 localhost\r\n"
                           "# 192.0.2.9 hidden\n"
                           "not-an-address name\n"
                           "192.0.2.2   Mail.Example. mail\n"
                           "192.0.2.1 mail.example\n"
                           "192.0.2.3";

static void test_addresses_of_the_file(void **state)
{
    static const struct {
        const char *name;
        enum dns_type type;
        bool known;
        unsigned n;
    } cases[] = {
        {"localhost", DNS_A, true, 1},    {"localhost", DNS_AAAA, true, 1},
        {"here", DNS_AAAA, true, 0},      {"localhost", DNS_MX, false, 0},
        {"localhost2", DNS_A, false, 0},  {"hidden", DNS_A, false, 0},
        {"name", DNS_A, false, 0},        {"mail", DNS_A, true, 1},
        {"mail.example", DNS_A, true, 2}, {"zzz", DNS_A, false, 0},
        {"a", DNS_A, false, 0},
    };
    struct hosts *hosts = hosts_parse(slice_from_cstr(text));
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dns_answer answer = {0};
        assert_int_equal(hosts_find(hosts, cases[i].name, cases[i].type, &arena, &answer),
                         cases[i].known);
        assert_int_equal(answer.n_records, cases[i].n);
        if (cases[i].known)
            assert_int_equal(answer.result, cases[i].n ? DNS_FOUND : DNS_NO_DATA);
        if (answer.n_records == 2)
            assert_memory_equal(answer.records[0].ptr, "\300\0\2\2", 4);
    }
    arena_done(&arena);
    hosts_free(hosts);
}

static void test_no_file_is_an_empty_one(void **state)
{
    struct hosts *hosts = hosts_read("/nonexistent/hosts");
    struct dns_answer answer;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_false(hosts_find(hosts, "localhost", DNS_A, &arena, &answer));
    arena_done(&arena);
    hosts_free(hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_the_file),
        cmocka_unit_test(test_no_file_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
