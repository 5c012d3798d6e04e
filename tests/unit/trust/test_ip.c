#include "trust/ip.h"

#include "../cmocka_all.h"

static void test_text(void **state)
{
    static const struct {
        const char *text, *same, *reverse;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"::ffff:192.0.2.1", "192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"2001:DB8::cb01", "2001:db8::cb01",
         "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
        {"192.0.2", NULL, NULL},
        {"192.0.2.01", NULL, NULL},
        {"192.0.2.256", NULL, NULL},
        {"fe80::1%eth0", NULL, NULL},
        {"[::1]", NULL, NULL},
        {"1::2::3", NULL, NULL},
        {"", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[TRUST_IP_TEXT_MAX], reverse[TRUST_IP_REVERSE_MAX];
        struct trust_ip ip;
        bool is = trust_ip_parse(slice_from_cstr(cases[i].text), &ip);
        assert_int_equal(is, cases[i].same != NULL);
        if (!is)
            continue;
        trust_ip_text(&ip, text);
        assert_string_equal(text, cases[i].same);
        trust_ip_reverse(&ip, reverse);
        assert_string_equal(reverse, cases[i].reverse);
    }
}

static void test_networks(void **state)
{
    static const struct {
        const char *ip, *network;
        unsigned prefix;
        bool in;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", 32, true},      {"192.0.2.1", "192.0.2.0", 32, false},
        {"192.0.2.1", "192.0.2.0", 31, true},      {"192.0.2.1", "192.0.2.2", 31, false},
        {"192.0.2.1", "8.8.8.8", 0, true},         {"192.0.2.255", "192.0.2.128", 25, true},
        {"192.0.2.127", "192.0.2.128", 25, false}, {"192.0.3.1", "192.0.2.1", 24, false},
        {"2001:db8::1", "2001:db8::", 127, true},  {"2001:db8::1", "2001:db8::", 128, false},
        {"2001:db8::1", "2001:db9::", 31, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trust_ip ip, network;
        assert_true(trust_ip_parse(slice_from_cstr(cases[i].ip), &ip));
        assert_true(trust_ip_parse(slice_from_cstr(cases[i].network), &network));
        assert_int_equal(trust_ip_in_network(&ip, network.bytes, cases[i].prefix), cases[i].in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
