#include "../cmocka_all.h"

#include "config/value.h"

#include <string.h>

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t bytes;
    } cases[] = {
        {"0", true, 0},
        {"1000", true, 1000},
        {"50M", true, 52428800},
        {"1G", true, 1073741824},
        {"2T", true, UINT64_C(2199023255552)},
        {"16777216T", false, 0}, /* one above 64 bits */
        {"16777215T", true, UINT64_C(16777215) << 40},
        {"", false, 0},
        {"M", false, 0},
        {"-1", false, 0},
        {"1m", false, 0},
        {"1.5G", false, 0},
        {"1 G", false, 0},
        {"18446744073709551616", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes = 0;
        if (value_parse_size(slice_from_cstr(cases[i].text), &bytes) != cases[i].good ||
            bytes != cases[i].bytes)
            fail_msg("%s: %ju", cases[i].text, (uintmax_t)bytes);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t ms;
    } cases[] = {
        {"0", true, 0},
        {"250ms", true, 250},
        {"10s", true, 10000},
        {"5m", true, 300000},
        {"4h", true, 14400000},
        {"5d", true, 432000000},
        {"1w", true, 604800000},
        {"10", false, 0},
        {"s", false, 0},
        {"1h30m", false, 0},
        {"-5s", false, 0},
        {"5 s", false, 0},
        {"99999999999999999w", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 0;
        if (value_parse_duration(slice_from_cstr(cases[i].text), &ms) != cases[i].good ||
            ms != cases[i].ms)
            fail_msg("%s: %ju", cases[i].text, (uintmax_t)ms);
    }
}

static void test_names_and_modes(void **state)
{
    unsigned mode = 0;

    (void)state;
    assert_true(value_is_name(SLICE("mx-1_a.b")));
    assert_false(value_is_name(SLICE("")));
    assert_false(value_is_name(SLICE("-a")));
    assert_false(value_is_name(SLICE("a/b")));
    assert_false(value_is_name(SLICE("12345678901234567890123456789012345678901234567890123456789"
                                     "012345")));
    assert_true(value_parse_mode(SLICE("0660"), &mode) && mode == 0660);
    assert_true(value_parse_mode(SLICE("777"), &mode) && mode == 0777);
    assert_false(value_parse_mode(SLICE("1777"), &mode));
    assert_false(value_parse_mode(SLICE("66"), &mode));
    assert_false(value_parse_mode(SLICE("0680"), &mode));
}

static void test_networks_print_as_they_are_read(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"192.0.2.7", "192.0.2.7/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"2001:DB8::/32", "2001:db8::/32"},
        {"::1", "::1/128"},
        {"::/0", "::/0"},
        {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
        {"192.0.2.128/25", "192.0.2.128/25"},
        {"192.0.2.0/", NULL},
        {"192.0.2.0/024x", NULL},
        {"192.0.2.0/-1", NULL},
        {"192.0.2", NULL},
        {"192.0.2.0.0/24", NULL},
        {"/24", NULL},
        {"[::1]", NULL},
        {"2001:db8::1/32", NULL},
        {"::/129", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_network network;
        struct value_hint hint;
        const char *why;
        bool good = value_parse_network(slice_from_cstr(cases[i].text), &network, &why, &hint);
        if (good != (cases[i].want != NULL))
            fail_msg("%s", cases[i].text);
        if (good)
            assert_string_equal(value_format_network(&network).text, cases[i].want);
    }
}

static void test_endpoints(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
        uint16_t default_port;
        enum config_endpoint_kind kind;
    } cases[] = {
        {"mx.example.org:25", "mx.example.org", 25, 0, ENDPOINT_INET},
        {"mx.example.org", "mx.example.org", 25, 25, ENDPOINT_INET},
        {"mx.example.org", NULL, 0, 0, ENDPOINT_INET},
        {"192.0.2.1:1", "192.0.2.1", 1, 0, ENDPOINT_INET},
        {"[::1]:65535", "::1", 65535, 25, ENDPOINT_INET},
        {"[::1]", "::1", 25, 25, ENDPOINT_INET},
        {"*:25", "*", 25, 0, ENDPOINT_INET},
        {"a:65536", NULL, 0, 25, ENDPOINT_INET},
        {"a:0", NULL, 0, 25, ENDPOINT_INET},
        {"a:", NULL, 0, 25, ENDPOINT_INET},
        {"[::1]:", NULL, 0, 25, ENDPOINT_INET},
        {"[192.0.2.1]:25", NULL, 0, 25, ENDPOINT_INET},
        {"a b:25", NULL, 0, 25, ENDPOINT_INET},
        {"unix:/run/x", "/run/x", 0, 25, ENDPOINT_UNIX},
        {"unix:", NULL, 0, 25, ENDPOINT_UNIX},
        {"unix:run", NULL, 0, 25, ENDPOINT_UNIX},
        {"", NULL, 0, 25, ENDPOINT_INET},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_endpoint endpoint;
        const char *why = NULL;
        bool good = value_parse_endpoint(slice_from_cstr(cases[i].text), cases[i].default_port,
                                         &endpoint, &why);
        if (good != (cases[i].host != NULL))
            fail_msg("'%s': %s", cases[i].text, why);
        if (!good)
            continue;
        assert_true(slice_eq(endpoint.host, slice_from_cstr(cases[i].host)));
        assert_int_equal(endpoint.port, cases[i].port);
        assert_int_equal(endpoint.kind, cases[i].kind);
    }
}

static void test_urls(void **state)
{
    static const struct {
        const char *text, *host;
        bool tls;
        unsigned port; /* 0: it is none */
    } cases[] = {
        {"https://login.example.org/introspect", "login.example.org", true, 443},
        {"HTTPS://login.example.org", "login.example.org", true, 443},
        {"https://login.example.org:8443?a=b", "login.example.org", true, 8443},
        {"http://[::1]:8080/x", "::1", false, 8080},
        {"http://localhost/x", "localhost", false, 80},
        {"ftp://a.example/", "", false, 0},
        {"https:///x", "", false, 0},
        {"https://*/x", "", false, 0},
        {"https://unix:/x", "", false, 0},
        {"https://a.example:0/", "", false, 0},
        {"https://a.example:/", "", false, 0},
        {"https://me@a.example/", "", false, 0},
        {"https://a.example/#x", "", false, 0},
        {"https://a.example/ x", "", false, 0},
        {"https://b\xc3\xbc.example/", "", false, 0},
        {"", "", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct value_url url;
        bool good = value_parse_url(slice_from_cstr(cases[i].text), &url);
        if (good != (cases[i].port != 0))
            fail_msg("%s", cases[i].text);
        if (!good)
            continue;
        assert_true(slice_eq(url.host, slice_from_cstr(cases[i].host)));
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.tls, cases[i].tls);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    assert_true(value_is_loopback(SLICE("127.3.2.1")));
    assert_true(value_is_loopback(SLICE("::1")));
    assert_true(value_is_loopback(SLICE("LocalHost")));
    assert_false(value_is_loopback(SLICE("128.0.0.1")));
    assert_false(value_is_loopback(SLICE("::2")));
    assert_false(value_is_loopback(SLICE("localhost.example.org")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_names_and_modes),
        cmocka_unit_test(test_networks_print_as_they_are_read),
        cmocka_unit_test(test_endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
