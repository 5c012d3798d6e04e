#include "dns/dns.h"

#include "base/clock.h"
#include "dns/dns_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_MS = 20000, SHORT_MS = 50 };

static const struct dns_fake_entry script[] = {
    {.name = "both.example", .address = "192.0.2.1"},
    {.name = "both.example", .address = "192.0.2.2"},
    {.name = "both.example", .address = "2001:db8::1"},
    {.name = "four.example", .address = "192.0.2.1"},
    {.name = "mail-only.example", .result = DNS_NO_DATA},
    {.name = "broken.example", .result = DNS_FAILED},
    {.name = "slow.example", .address = "192.0.2.1", .delay_ms = LONG_MS},
    {.name = "later.example", .address = "192.0.2.1", .delay_ms = SHORT_MS},
    {.name = "alias.example", .type = DNS_CNAME, .data = "both.example"},
    {.name = "loop.example", .type = DNS_CNAME, .data = "loop.example"},
    {.name = "site.example", .type = DNS_MX, .data = "10 mx1.example"},
    {.name = "site.example", .type = DNS_MX, .data = "20 mx2.example", .ttl_s = 7},
    {.name = "half.example", .address = "192.0.2.1", .security = DNS_SECURE},
    {.name = "half.example",
     .type = DNS_AAAA,
     .result = DNS_FAILED,
     .security = DNS_BOGUS,
     .why = "validation failed: signature expired"},
    {.name = "secure.example", .address = "192.0.2.1", .security = DNS_SECURE, .ttl_s = 9},
};

static void test_families_take_turns(void **state)
{
    struct dns *dns = dns_fake_new(script, sizeof(script) / sizeof(script[0]));
    static const int families[] = {AF_INET6, AF_INET, AF_INET};
    struct dns_addresses found;

    (void)state;
    assert_int_equal(
        dns_lookup_addresses(dns, SLICE("BOTH.example"), clock_mono_ms() + LONG_MS, &found),
        DNS_FOUND);
    assert_int_equal(found.count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(found.list[i].family, families[i]);
    assert_int_equal(found.list[2].bytes[3], 2);
    dns_free(dns);
}

static void test_results_keep_apart_what_may_be_tried_again(void **state)
{
    static const struct {
        struct slice name;
        int result;
    } cases[] = {
        {SLICE_INIT("four.example"), DNS_FOUND},        {SLICE_INIT("nobody.example"), DNS_NO_NAME},
        {SLICE_INIT("mail-only.example"), DNS_NO_DATA}, {SLICE_INIT("broken.example"), DNS_FAILED},
        {SLICE_INIT("slow.example"), DNS_TIMEOUT},      {SLICE_INIT(""), DNS_NO_NAME},
        {SLICE_INIT("four.example\0"), DNS_NO_NAME},
    };
    struct dns *dns = dns_fake_new(script, sizeof(script) / sizeof(script[0]));
    struct dns_addresses found;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            dns_lookup_addresses(dns, cases[i].name, clock_mono_ms() + SHORT_MS, &found),
            cases[i].result);
    dns_free(dns);
}

static void test_addresses_tell_name_and_security(void **state)
{
    static const struct {
        struct slice name;
        int result;
        enum dns_security security;
        const char *canonical, *why;
    } cases[] = {
        {SLICE_INIT("alias.example"), DNS_FOUND, DNS_INSECURE, "both.example", ""},
        {SLICE_INIT("Secure.Example."), DNS_FOUND, DNS_SECURE, "secure.example", ""},
        /* nobody makes a host insecure by breaking one of its answers */
        {SLICE_INIT("half.example"), DNS_FOUND, DNS_SECURE, "half.example",
         "validation failed: signature expired"},
        {SLICE_INIT("loop.example"), DNS_FAILED, DNS_INSECURE, "", "too many CNAMEs"},
        {SLICE_INIT("site.example"), DNS_NO_DATA, DNS_INSECURE, "site.example", ""},
    };
    struct dns *dns = dns_fake_new(script, sizeof(script) / sizeof(script[0]));
    struct dns_addresses found;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            dns_lookup_addresses(dns, cases[i].name, clock_mono_ms() + LONG_MS, &found),
            cases[i].result);
        assert_int_equal(found.security, cases[i].security);
        assert_string_equal(found.canonical, cases[i].canonical);
        assert_string_equal(found.why, cases[i].why);
    }
    dns_free(dns);
}

static void test_records_of_one_type(void **state)
{
    struct dns *dns = dns_fake_new(script, sizeof(script) / sizeof(script[0]));
    struct dns_answer answer;
    struct arena arena;
    struct dns_mx mx;

    (void)state;
    arena_init(&arena);
    assert_int_equal(
        dns_lookup(dns, SLICE("SITE.example."), DNS_MX, clock_mono_ms() + LONG_MS, &arena, &answer),
        DNS_FOUND);
    assert_int_equal(answer.n_records, 2);
    assert_int_equal(answer.ttl_s, 7);
    assert_true(slice_eq(answer.canonical, SLICE("site.example")));
    assert_true(dns_read_mx(answer.records[1], &arena, &mx));
    assert_int_equal(mx.preference, 20);
    assert_true(slice_eq(mx.exchange, SLICE("mx2.example")));
    assert_int_equal(
        dns_lookup(dns, SLICE("a..b"), DNS_MX, clock_mono_ms() + LONG_MS, &arena, &answer),
        DNS_NO_NAME);
    arena_done(&arena);
    dns_free(dns);
}

static void count_result(void *arg, const struct dns_answer *answer)
{
    atomic_uint *counts = arg;

    atomic_fetch_add(&counts[answer->result], 1);
}

static void wait_for(atomic_uint *count, unsigned wanted)
{
    uint64_t until = clock_mono_ms() + LONG_MS;

    while (atomic_load(count) < wanted && clock_mono_ms() < until)
        usleep(1000);
    assert_int_equal(atomic_load(count), wanted);
}

static void test_asking_does_not_wait(void **state)
{
    struct dns *dns = dns_fake_new(script, sizeof(script) / sizeof(script[0]));
    atomic_uint counts[DNS_TIMEOUT + 1] = {0};
    uint64_t now = clock_mono_ms();

    (void)state;
    dns_ask(dns, SLICE("later.example"), DNS_A, now + LONG_MS, count_result, counts);
    dns_ask(dns, SLICE("slow.example"), DNS_A, now + SHORT_MS, count_result, counts);
    assert_int_equal(atomic_load(&counts[DNS_FOUND]) + atomic_load(&counts[DNS_TIMEOUT]), 0);
    wait_for(&counts[DNS_FOUND], 1);
    wait_for(&counts[DNS_TIMEOUT], 1);
    dns_ask(dns, SLICE("slow.example"), DNS_A, now + 2 * LONG_MS, count_result, counts);
    dns_stop(dns);
    wait_for(&counts[DNS_FAILED], 1);
    dns_ask(dns, SLICE("both.example"), DNS_A, now + LONG_MS, count_result, counts);
    assert_int_equal(atomic_load(&counts[DNS_FAILED]), 2);
    dns_free(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_tell_name_and_security),
        cmocka_unit_test(test_records_of_one_type),
        cmocka_unit_test(test_asking_does_not_wait),
        cmocka_unit_test(test_families_take_turns),
        cmocka_unit_test(test_results_keep_apart_what_may_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
