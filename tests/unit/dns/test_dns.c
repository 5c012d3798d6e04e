#include "dns/dns.h"

#include "base/clock.h"
#include "dns/dns_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_take_turns),
        cmocka_unit_test(test_results_keep_apart_what_may_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
