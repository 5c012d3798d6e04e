#include "trust/sts_policy.h"

#include "base/buf.h"

#include "../cmocka_all.h"

#include <stdio.h>
#include <string.h>

#define HEAD "version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\n"

static void test_the_rfcs_example(void **state)
{
    struct arena arena;
    struct sts_rules rules;

    (void)state;
    arena_init(&arena);
    assert_null(sts_policy_parse(SLICE("version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
                                       "mx: *.example.net\r\nmx: backupmx.example.com\r\n"
                                       "max_age: 604800\r\n"),
                                 &arena, &rules));
    assert_int_equal(rules.mode, STS_ENFORCE);
    assert_int_equal(rules.max_age_s, 604800);
    assert_int_equal(rules.n_mx, 3);
    assert_true(slice_eq(rules.mx[1], SLICE("*.example.net")));
    arena_done(&arena);
}

static void test_forms(void **state)
{
    static const struct {
        struct slice text;
        const char *wrong;
    } cases[] = {
        {SLICE_INIT(HEAD "mx: a.example\r\n"), NULL},
        {SLICE_INIT(HEAD "mx: a.example"), NULL},
        {SLICE_INIT("version:STSv1\nmode:testing \nmax_age:  1\nmx:\ta.example\n"), NULL},
        {SLICE_INIT("mx: a.example\nmax_age: 1\nmode: testing\nversion: STSv1\n\n\n"), NULL},
        {SLICE_INIT(HEAD "mx: a.example\r\ncolour: red: green\r\n"), NULL},
        {SLICE_INIT(HEAD "mx: a.example.\r\n"), NULL},
        {SLICE_INIT(HEAD "mx: a.example\r\nmode: wrong\r\n"), NULL},
        {SLICE_INIT("version: STSv1\nmode: none\nmax_age: 86400\n"), NULL},
        {SLICE_INIT(""), "it has no version"},
        {SLICE_INIT("<html>\n"), "a line in it has no colon"},
        {SLICE_INIT(HEAD), "it has no mx"},
        {SLICE_INIT("version: STSv1\nmode: enforce\nmx: a.example\n"), "it has no max_age"},
        {SLICE_INIT("version: STSv1\nmax_age: 1\nmx: a.example\n"), "it has no mode"},
        {SLICE_INIT("mode: enforce\nmax_age: 1\nmx: a.example\n"), "it has no version"},
        {SLICE_INIT("version: STSv2\n"), "its version is not STSv1"},
        {SLICE_INIT("mode: Enforce\n"), "its mode is none of enforce, testing and none"},
        {SLICE_INIT("max_age: -1\n"), "its max_age is not a number of seconds"},
        {SLICE_INIT("max_age: 1e3\n"), "its max_age is not a number of seconds"},
        {SLICE_INIT("max_age: 99999999999\n"), "its max_age is not a number of seconds"},
        {SLICE_INIT(HEAD "mx: *\r\n"), "an mx in it is no host name"},
        {SLICE_INIT(HEAD "mx:\r\n"), "an mx in it is no host name"},
        {SLICE_INIT(HEAD "mx: a..example\r\n"), "an mx in it is no host name"},
        {SLICE_INIT(HEAD "mx: a.*.example\r\n"), "an mx in it is no host name"},
        {SLICE_INIT(HEAD "mx: -a.example\r\n"), "an mx in it is no host name"},
        {SLICE_INIT(HEAD "mx: a.example b.example\r\n"), "an mx in it is no host name"},
    };
    struct arena arena;
    struct sts_rules rules;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *wrong = sts_policy_parse(cases[i].text, &arena, &rules);
        if (!cases[i].wrong != !wrong || (wrong && strcmp(wrong, cases[i].wrong) != 0))
            fail_msg("%.*s: %s", SLICE_ARG(cases[i].text), wrong ? wrong : "fine");
    }
    arena_done(&arena);
}

static void test_bounds(void **state)
{
    struct arena arena;
    struct sts_rules rules;
    struct buf text;

    (void)state;
    arena_init(&arena);
    buf_init(&text, 1 << 20);
    buf_add_cstr(&text, "version: STSv1\nmode: enforce\nmax_age: 4000000000\n");
    for (unsigned i = 0; i < STS_MX_MAX; i++)
        buf_printf(&text, "mx: mx%u.example\n", i);
    assert_null(sts_policy_parse(buf_slice(&text), &arena, &rules));
    assert_int_equal(rules.max_age_s, STS_AGE_MAX_S);
    buf_add_cstr(&text, "mx: more.example\n");
    assert_string_equal(sts_policy_parse(buf_slice(&text), &arena, &rules),
                        "it has too many mx lines");
    while (text.len <= STS_TEXT_MAX)
        buf_add_cstr(&text, "padding: 0123456789\n");
    assert_string_equal(sts_policy_parse(buf_slice(&text), &arena, &rules),
                        "it is larger than 64 KiB");
    buf_done(&text);
    arena_done(&arena);
}

static void test_patterns(void **state)
{
    static const struct {
        struct slice pattern, host;
        bool allowed;
    } cases[] = {
        {SLICE_INIT("mx.example.com"), SLICE_INIT("mx.example.com"), true},
        {SLICE_INIT("MX.Example.com"), SLICE_INIT("mx.eXample.com"), true},
        {SLICE_INIT("mx.example.com"), SLICE_INIT("mx.example.com."), true},
        {SLICE_INIT("mx.example.com"), SLICE_INIT("a.mx.example.com"), false},
        {SLICE_INIT("*.example.com"), SLICE_INIT("mx.example.com"), true},
        {SLICE_INIT("*.example.com"), SLICE_INIT("a.mx.example.com"), false},
        {SLICE_INIT("*.example.com"), SLICE_INIT("example.com"), false},
        {SLICE_INIT("*.example.com"), SLICE_INIT(".example.com"), false},
        {SLICE_INIT("*.example.com"), SLICE_INIT("mx.example.com.evil"), false},
        {SLICE_INIT("*.com"), SLICE_INIT("example.com"), true},
        {SLICE_INIT("mx.example.com"), SLICE_INIT(""), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice pattern = cases[i].pattern;
        const struct sts_rules rules = {.mode = STS_ENFORCE, .mx = &pattern, .n_mx = 1};
        if (sts_rules_allow(&rules, cases[i].host) != cases[i].allowed)
            fail_msg("%.*s %.*s", SLICE_ARG(pattern), SLICE_ARG(cases[i].host));
    }
}

static void test_records(void **state)
{
    static const struct {
        struct slice texts[3];
        unsigned n;
        int result;
        struct slice id;
    } cases[] = {
        {{SLICE_INIT("v=STSv1; id=20160831085700Z;")},
         1,
         STS_RECORD_FOUND,
         SLICE_INIT("20160831085700Z")},
        {{SLICE_INIT("v=STSv1;id=1")}, 1, STS_RECORD_FOUND, SLICE_INIT("1")},
        {{SLICE_INIT("v=STSv1 ; a=b; id = 2 ; c=d;")}, 1, STS_RECORD_FOUND, SLICE_INIT("2")},
        {{SLICE_INIT("hello"), SLICE_INIT("v=STSv1; id=3"), SLICE_INIT("v=spf1 -all")},
         3,
         STS_RECORD_FOUND,
         SLICE_INIT("3")},
        {{SLICE_INIT("")}, 0, STS_RECORD_NONE, SLICE_INIT("")},
        {{SLICE_INIT("v=STSv10; id=1;")}, 1, STS_RECORD_NONE, SLICE_INIT("")},
        {{SLICE_INIT("id=1; v=STSv1")}, 1, STS_RECORD_NONE, SLICE_INIT("")},
        {{SLICE_INIT("v=STSv1; id=1;"), SLICE_INIT("v=STSv1; id=1;")},
         2,
         STS_RECORD_BAD,
         SLICE_INIT("")},
        {{SLICE_INIT("v=STSv1;")}, 1, STS_RECORD_BAD, SLICE_INIT("")},
        {{SLICE_INIT("v=STSv1; id=;")}, 1, STS_RECORD_BAD, SLICE_INIT("")},
        {{SLICE_INIT("v=STSv1; id;")}, 1, STS_RECORD_BAD, SLICE_INIT("")},
        {{SLICE_INIT("v=STSv1; id=2016-08-31;")}, 1, STS_RECORD_BAD, SLICE_INIT("")},
        {{SLICE_INIT("v=STSv1; id=012345678901234567890123456789012;")},
         1,
         STS_RECORD_BAD,
         SLICE_INIT("")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice id = SLICE("");
        int r = sts_record_find(cases[i].texts, cases[i].n, &id);
        if (r != cases[i].result || !slice_eq(id, cases[i].id))
            fail_msg("%zu: %d %.*s", i, r, SLICE_ARG(id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rfcs_example), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_bounds),           cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
