#include "../cmocka_all.h"
#include "parsing.h"

#include <arpa/inet.h>
#include <string.h>

static void test_domains_are_found_in_any_spelling(void **state)
{
    struct config *config = parse("hostname a.example\n"
                                  "domain Example.org\n"
                                  "domain b\xc3\xbc"
                                  "cher.example\n"
                                  "domain zz.example\n");
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"example.org", "example.org"},
        {"EXAMPLE.ORG", "example.org"},
        {"zz.example", "zz.example"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"B\xc3\x9c"
         "CHER.Example",
         "xn--bcher-kva.example"},
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
        {"sub.example.org", NULL},
        {"org", NULL},
        {"", NULL},
        {"\xff", NULL},
    };
    char longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_domain *found =
            config_find_domain(config, slice_from_cstr(cases[i].name));
        assert_int_equal(found != NULL, cases[i].want != NULL);
        if (found)
            assert_true(slice_eq(found->name, slice_from_cstr(cases[i].want)));
    }
    memset(longest, 'a', sizeof(longest));
    assert_null(config_find_domain(config, slice_from(longest, sizeof(longest))));
    assert_null(config_find_route(config, SLICE("example.org")));
    assert_null(config_find_program(config, SLICE("example.org")));
    config_unref(config);
}

static void test_every_one_of_many_domains_is_found(void **state)
{
    struct config *config;
    struct buf text;
    char name[64];

    (void)state;
    buf_init(&text, 1 << 20);
    buf_add_cstr(&text, "hostname a.example\n");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "domain d%d.example\n", i * 7919 % 5000);
    buf_add_char(&text, '\0');
    config = parse(text.ptr);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "D%d.example", i);
        assert_non_null(config_find_domain(config, slice_from_cstr(name)));
    }
    assert_null(config_find_domain(config, SLICE("d5000.example")));
    config_unref(config);
    buf_done(&text);
}

/* The network that holds the address, as the number of its line. */
static unsigned line_of(const struct config *config, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct config_network *network;

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        network = config_find_network(&config->trusted, (struct sockaddr *)&v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        network = config_find_network(&config->trusted, (struct sockaddr *)&v6);
    }
    return network ? network->source.line : 0;
}

static void test_addresses_are_found_in_their_networks(void **state)
{
    struct config *config = parse("hostname a.example\n"
                                  "trusted {\n"
                                  "192.0.2.0/24\n"
                                  "198.51.100.128/25\n"
                                  "2001:db8:1::/48\n"
                                  "2001:db8:2::8/125\n"
                                  "203.0.113.9\n"
                                  "}\n");
    static const struct {
        const char *address;
        unsigned line;
    } cases[] = {
        {"192.0.2.0", 3},      {"192.0.2.255", 3},
        {"192.0.3.0", 0},      {"198.51.100.127", 0},
        {"198.51.100.128", 4}, {"::ffff:192.0.2.1", 3},
        {"2001:db8:1::1", 5},  {"2001:db8:1:ffff::", 5},
        {"2001:db8:2::7", 0},  {"2001:db8:2::f", 6},
        {"2001:db8:2::10", 0}, {"203.0.113.9", 7},
        {"203.0.113.8", 0},    {"::", 0},
        {"0.0.0.0", 0},        {"::192.0.2.1", 0},
    };
    struct sockaddr_storage unix_address = {.ss_family = AF_UNIX};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (line_of(config, cases[i].address) != cases[i].line)
            fail_msg("%s: line %u", cases[i].address, line_of(config, cases[i].address));
    }
    assert_null(config_find_network(&config->trusted, (struct sockaddr *)&unix_address));
    config_unref(config);
}

static void test_all_addresses_are_in_the_widest_networks(void **state)
{
    struct config *config =
        parse("hostname a.example\nopen_relay yes\ntrusted { 0.0.0.0/0; ::/0 }\n");

    (void)state;
    assert_int_equal(line_of(config, "255.255.255.255"), 3);
    assert_int_equal(line_of(config, "ffff::"), 3);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domains_are_found_in_any_spelling),
        cmocka_unit_test(test_every_one_of_many_domains_is_found),
        cmocka_unit_test(test_addresses_are_found_in_their_networks),
        cmocka_unit_test(test_all_addresses_are_in_the_widest_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
