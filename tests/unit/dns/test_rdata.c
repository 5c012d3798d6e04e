#include "dns/dns.h"

#include "dns/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define LABEL63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static void test_names(void **state)
{
    static const struct {
        struct slice rdata;
        const char *name; /* NULL: malformed */
    } cases[] = {
        {SLICE_INIT("\2mx\7Example\0"), "mx.example"},
        {SLICE_INIT("\0"), ""},
        {SLICE_INIT("\2mx\7example"), NULL},       /* no end */
        {SLICE_INIT("\2mx\7example\0\0"), NULL},   /* bytes behind it */
        {SLICE_INIT("\2mx\300\0"), NULL},          /* compressed */
        {SLICE_INIT("\3m.x\0"), NULL},             /* a dot in a label */
        {SLICE_INIT("\3m\r\n\0"), NULL},           /* bytes that would break a line */
        {SLICE_INIT("\2\303\274\0"), NULL},        /* not ASCII */
        {SLICE_INIT("\1_\4_tcp\0"), "_._tcp"},     /* no host's name, but one of SRV and TLSA */
        {SLICE_INIT("\100" LABEL63 "1\0"), NULL},  /* 64 bytes */
        {SLICE_INIT("\77" LABEL63 "\0"), LABEL63}, /* 63 */
        {SLICE_INIT("\77" LABEL63 "\77" LABEL63 "\77" LABEL63 "\76" LABEL63), NULL},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice name = SLICE("untouched");
        bool good = dns_read_name(cases[i].rdata, &arena, &name);
        assert_int_equal(good, cases[i].name != NULL);
        assert_true(slice_eq(name, good ? slice_from_cstr(cases[i].name) : SLICE("untouched")));
    }
    arena_done(&arena);
}

static void test_mx_and_srv(void **state)
{
    struct arena arena;
    struct dns_mx mx;
    struct dns_srv srv;

    (void)state;
    arena_init(&arena);
    assert_true(dns_read_mx(SLICE("\1\2\2MX\4test\0"), &arena, &mx));
    assert_int_equal(mx.preference, 258);
    assert_true(slice_eq(mx.exchange, SLICE("mx.test")));
    assert_true(dns_read_mx(SLICE("\0\0\0"), &arena, &mx)); /* null MX (RFC 7505) */
    assert_int_equal(mx.exchange.len, 0);
    assert_false(dns_read_mx(SLICE("\0"), &arena, &mx));
    assert_false(dns_read_mx(SLICE("\0\12"), &arena, &mx));
    assert_true(dns_read_srv(SLICE("\0\1\0\2\2\113\1a\0"), &arena, &srv));
    assert_int_equal(srv.priority, 1);
    assert_int_equal(srv.weight, 2);
    assert_int_equal(srv.port, 587);
    assert_true(slice_eq(srv.target, SLICE("a")));
    assert_false(dns_read_srv(SLICE("\0\1\0\2\2"), &arena, &srv));
    arena_done(&arena);
}

static void test_txt(void **state)
{
    struct slice text;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_true(dns_read_txt(SLICE("\7v=spf1 \4-all\0"), &arena, &text));
    assert_true(slice_eq(text, SLICE("v=spf1 -all")));
    assert_true(dns_read_txt(SLICE("\0"), &arena, &text));
    assert_int_equal(text.len, 0);
    assert_false(dns_read_txt(SLICE(""), &arena, &text));
    assert_false(dns_read_txt(SLICE("\7v=spf1"), &arena, &text));
    arena_done(&arena);
}

static void test_tlsa(void **state)
{
    struct dns_tlsa tlsa;

    (void)state;
    assert_true(dns_read_tlsa(SLICE("\3\1\1\253\315"), &tlsa));
    assert_int_equal(tlsa.usage, 3);
    assert_int_equal(tlsa.selector, 1);
    assert_int_equal(tlsa.matching, 1);
    assert_int_equal(tlsa.data.len, 2);
    assert_false(dns_read_tlsa(SLICE("\3\1\1"), &tlsa));
    assert_false(dns_read_tlsa(SLICE("\3\1"), &tlsa));
}

static void test_names_in_text(void **state)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"Example.COM.", "example.com"},
        {"", ""},
        {".", ""},
        {"..", NULL},
        {".a", NULL},
        {"a..b", NULL},
        {"a b", NULL},
        {"a\\b", NULL},
        {"a\n", NULL},
        {LABEL63 ".x", LABEL63 ".x"},
        {LABEL63 "1.x", NULL},
        {LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, NULL},
    };
    char name[DNS_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool good = dns_name_clean(slice_from_cstr(cases[i].text), name);
        assert_int_equal(good, cases[i].name != NULL);
        if (good)
            assert_string_equal(name, cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_mx_and_srv),
        cmocka_unit_test(test_txt),           cmocka_unit_test(test_tlsa),
        cmocka_unit_test(test_names_in_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
