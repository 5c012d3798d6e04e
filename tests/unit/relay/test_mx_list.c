/* Which hosts MX records mean: order, repeats, null MX, addresses in the place of names, loops. */
#include "relay/mx_list.h"

#include "dns/dns_fake.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { RECORDS_MAX = 8 };

/* The answer to a question for the MX records in `data`. */
static void answer_of(const char *const *data, struct arena *arena, struct dns_answer *ret_answer)
{
    struct dns_fake_entry script[RECORDS_MAX] = {{0}};
    struct dns *dns;
    size_t n = 0;

    for (; n < RECORDS_MAX && data[n]; n++)
        script[n] = (struct dns_fake_entry){.name = "example.org", .type = DNS_MX, .data = data[n]};
    dns = dns_fake_new(script, n);
    assert_int_equal(
        dns_lookup(dns, SLICE("example.org"), DNS_MX, clock_mono_ms() + 1000, arena, ret_answer),
        DNS_FOUND);
    dns_free(dns);
}

static void expect_hosts(const struct mx_list *list, const char *wanted)
{
    struct buf text;

    buf_init(&text, 4096);
    for (unsigned i = 0; i < list->count; i++)
        buf_printf(&text, "%s%u %.*s", i ? ", " : "", list->hosts[i].preference,
                   SLICE_ARG(list->hosts[i].name));
    if (!slice_eq(buf_slice(&text), slice_from_cstr(wanted)))
        fail_msg("\"%.*s\", not \"%s\"", SLICE_ARG(buf_slice(&text)), wanted);
    buf_done(&text);
}

static void test_records_become_a_list(void **state)
{
    static const struct {
        const char *records[RECORDS_MAX];
        enum mx_list_result result;
        const char *hosts;
    } cases[] = {
        {{"10 mx.example.org"}, MX_LIST_HOSTS, "10 mx.example.org"},
        {{"20 b.example", "10 A.Example", "30 c.example"},
         MX_LIST_HOSTS,
         "10 a.example, 20 b.example, 30 c.example"},
        {{"10 c.example", "10 a.example", "10 b.example"},
         MX_LIST_HOSTS,
         "10 a.example, 10 b.example, 10 c.example"},
        {{"30 a.example", "10 a.example", "20 b.example"},
         MX_LIST_HOSTS,
         "10 a.example, 20 b.example"},
        {{"0 ."}, MX_LIST_NULL, ""},
        {{"10 ."}, MX_LIST_NULL, ""},
        {{"0 .", "10 mx.example.org"}, MX_LIST_HOSTS, "10 mx.example.org"},
        {{"10 192.0.2.1"}, MX_LIST_NOWHERE, ""},
        {{"10 192.0.2.1", "20 mx.example.org"}, MX_LIST_HOSTS, "20 mx.example.org"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct dns_answer answer;
        struct mx_list list = {0};
        arena_init(&arena);
        answer_of(cases[i].records, &arena, &answer);
        assert_int_equal(mx_list_read(&answer, &arena, &list), cases[i].result);
        expect_hosts(&list, cases[i].hosts);
        arena_done(&arena);
    }
}

static void test_malformed_records_are_passed_over(void **state)
{
    struct slice bad[] = {SLICE("\0"), SLICE("\0\12\77no"), SLICE("")};
    struct dns_answer answer = {.result = DNS_FOUND, .records = bad, .n_records = 3};
    struct mx_list list = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(mx_list_read(&answer, &arena, &list), MX_LIST_NOWHERE);
    arena_done(&arena);
}

/* We are the host whose letter is in `ours`. */
static void test_what_is_no_better_than_we_are_is_cut(void **state)
{
    static const struct {
        const char *records[RECORDS_MAX];
        const char *ours;
        bool cut;
        const char *left;
    } cases[] = {
        {{"10 a", "20 b"}, "", false, "10 a, 20 b"},
        {{"10 a", "20 b", "30 c"}, "b", true, "10 a"},
        {{"10 a", "20 b", "30 c"}, "a", true, ""},
        {{"10 a", "20 b", "20 c", "20 d"}, "d", true, "10 a"},
        {{"10 a", "10 b", "20 c"}, "b", true, ""},
        {{"10 a", "20 b", "30 c", "40 d"}, "bd", true, "10 a"},
        {{"10 a"}, "a", true, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct dns_answer answer;
        struct mx_list list = {0};
        arena_init(&arena);
        answer_of(cases[i].records, &arena, &answer);
        assert_int_equal(mx_list_read(&answer, &arena, &list), MX_LIST_HOSTS);
        for (unsigned h = 0; h < list.count; h++)
            list.hosts[h].ours = strchr(cases[i].ours, list.hosts[h].name.ptr[0]) != NULL;
        assert_int_equal(mx_list_cut(&list), cases[i].cut);
        expect_hosts(&list, cases[i].left);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_become_a_list),
        cmocka_unit_test(test_malformed_records_are_passed_over),
        cmocka_unit_test(test_what_is_no_better_than_we_are_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
