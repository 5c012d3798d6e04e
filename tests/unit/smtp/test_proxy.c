#include "smtp/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

struct proxy_case {
    struct slice input;
    enum smtp_proxy verdict;
    size_t used;
    enum smtp_family family;
    uint8_t first, last; /* bytes of the address */
    uint16_t port;
};

static const struct proxy_case cases[] = {
    {SLICE_INIT("PROXY TCP4 192.0.2.1 198.51.100.2 4321 25\r\nEHLO"), SMTP_PROXY_DONE, 43,
     SMTP_FAMILY_IPV4, 192, 1, 4321},
    {SLICE_INIT("PROXY TCP6 2001:db8::7 ::1 4321 25\r\n"), SMTP_PROXY_DONE, 36, SMTP_FAMILY_IPV6,
     0x20, 7, 4321},
    {SLICE_INIT("PROXY UNKNOWN\r\n"), SMTP_PROXY_DONE, 15, SMTP_FAMILY_NONE, 0, 0, 0},
    {SLICE_INIT("PROXY UNKNOWN ff ff 1 2\r\n"), SMTP_PROXY_DONE, 25, SMTP_FAMILY_NONE, 0, 0, 0},
    {SLICE_INIT("PROXY TCP4 192.0.2.1 198.51.100.2 4321 25\n"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
    {SLICE_INIT("PROXY TCP4 192.0.2.256 198.51.100.2 1 25\r\n"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
    {SLICE_INIT("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
    {SLICE_INIT("PROXY TCP4 192.0.2.1\r\n"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
    {SLICE_INIT("EHLO me\r\n"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
    {SLICE_INIT(V2 "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x10\xe1\0\x19"
                   "EHLO"),
     SMTP_PROXY_DONE, 28, SMTP_FAMILY_IPV4, 192, 1, 4321},
    {SLICE_INIT(V2 "\x21\x11\0\x0f\xc0\0\x02\x01\xc6\x33\x64\x02\x10\xe1\0\x19\x04\0\0"),
     SMTP_PROXY_DONE, 31, SMTP_FAMILY_IPV4, 192, 1, 4321},
    {SLICE_INIT(V2 "\x20\0\0\0"), SMTP_PROXY_DONE, 16, SMTP_FAMILY_NONE, 0, 0, 0},
    {SLICE_INIT(V2 "\x21\x11\0\x04\xc0\0\x02\x01"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
    {SLICE_INIT(V2 "\x11\x11\0\0"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
    {SLICE_INIT(V2 "\x21\x11\xff\xff"), SMTP_PROXY_BAD, 0, 0, 0, 0, 0},
};

static void test_headers_of_both_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct proxy_case *c = &cases[i];
        struct smtp_endpoint client = {.family = SMTP_FAMILY_NONE};
        size_t used = 0, len = c->family == SMTP_FAMILY_IPV4 ? 4 : 16;
        assert_int_equal(smtp_proxy_parse(c->input, &used, &client), c->verdict);
        assert_int_equal(used, c->used);
        assert_int_equal(client.family, c->family);
        assert_int_equal(client.address[0], c->first);
        assert_int_equal(client.address[len - 1], c->last);
        assert_int_equal(client.port, c->port);
    }
}

static void test_every_beginning_of_a_header_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t len = 0; len < cases[i].used; len++) {
            struct smtp_endpoint client;
            size_t used;
            assert_int_equal(smtp_proxy_parse(slice_sub(cases[i].input, 0, len), &used, &client),
                             SMTP_PROXY_MORE);
        }
    }
}

static void test_a_first_line_without_end_is_given_up(void **state)
{
    char line[200] = "PROXY TCP4 ";
    struct smtp_endpoint client;
    size_t used;

    (void)state;
    memset(line + 11, '1', sizeof(line) - 11);
    assert_int_equal(smtp_proxy_parse(slice_from(line, sizeof(line)), &used, &client),
                     SMTP_PROXY_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_of_both_versions),
        cmocka_unit_test(test_every_beginning_of_a_header_asks_for_more),
        cmocka_unit_test(test_a_first_line_without_end_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
