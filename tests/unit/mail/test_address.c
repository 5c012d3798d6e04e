#include "mail/address.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define A10      "aaaaaaaaaa"
#define A60      A10 A10 A10 A10 A10 A10
#define LABEL63  A60 "aaa"

enum { MAIL_FROM = ADDRESS_ALLOW_NULL, RCPT_TO = ADDRESS_BARE_POSTMASTER };

static void test_good_paths(void **state)
{
    static const struct {
        const char *input;
        unsigned flags;
        enum address_kind kind;
        const char *local;
        const char *domain;
    } cases[] = {
        {"<joe@example.org>", 0, ADDRESS_DOMAIN, "joe", "example.org"},
        {"<Joe.Q.Public+tag@Example.ORG>", 0, ADDRESS_DOMAIN, "Joe.Q.Public+tag", "Example.ORG"},
        {"<!#$%&'*+-/=?^_`{|}~@a>", 0, ADDRESS_DOMAIN, "!#$%&'*+-/=?^_`{|}~", "a"},
        {"<\"\"@a>", 0, ADDRESS_DOMAIN, "\"\"", "a"},
        {"<\"a b\\\"@\\\\>c\"@a.b>", 0, ADDRESS_DOMAIN, "\"a b\\\"@\\\\>c\"", "a.b"},
        {"<a@1.2.3.4>", 0, ADDRESS_DOMAIN, "a", "1.2.3.4"},
        {"<a@under_score.example>", 0, ADDRESS_DOMAIN, "a", "under_score.example"},
        {"<a@[192.0.2.255]>", 0, ADDRESS_IPV4, "a", "[192.0.2.255]"},
        {"<a@[ipv6:2001:db8::1]>", 0, ADDRESS_IPV6, "a", "[ipv6:2001:db8::1]"},
        {"<a@[IPv6:::ffff:192.0.2.1]>", 0, ADDRESS_IPV6, "a", "[IPv6:::ffff:192.0.2.1]"},
        {"<a@[x-tag:any>thing@(here)]>", 0, ADDRESS_GENERAL, "a", "[x-tag:any>thing@(here)]"},
        {"<>", MAIL_FROM, ADDRESS_NULL, "", ""},
        {"<postmaster>", RCPT_TO, ADDRESS_POSTMASTER, "postmaster", ""},
        {"<PostMaster>", RCPT_TO, ADDRESS_POSTMASTER, "PostMaster", ""},
        {"<root>", ADDRESS_UNQUALIFIED, ADDRESS_LOCAL, "root", ""},
        {"<@a.example:joe@b.example>", 0, ADDRESS_DOMAIN, "joe", "b.example"},
        {"<@a,@[192.0.2.1],@c:joe@d>", 0, ADDRESS_DOMAIN, "joe", "d"},
        {"<@a:postmaster>", RCPT_TO, ADDRESS_POSTMASTER, "postmaster", ""},
        {"<用户@例子.example>", ADDRESS_UTF8, ADDRESS_DOMAIN, "用户", "例子.example"},
        {"<\"用 户\"@example>", ADDRESS_UTF8, ADDRESS_DOMAIN, "\"用 户\"", "example"},
        {"<a@" LABEL63 ".org>", 0, ADDRESS_DOMAIN, "a", LABEL63 ".org"},
        {"<" A60 "aaaa@a>", 0, ADDRESS_DOMAIN, A60 "aaaa", "a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        /* What follows the path is not looked at. */
        char *input = xmalloc(strlen(cases[i].input) + 3);
        size_t len = strlen(cases[i].input);
        struct address got;
        struct address_result result;

        snprintf(input, len + 3, "%s> ", cases[i].input);
        result = address_parse_path(slice_from_cstr(input), cases[i].flags, &got);
        if (result.error || result.at != len)
            fail_msg("%s: %s at %zu", input, address_error_text(result.error), result.at);
        assert_int_equal(got.kind, cases[i].kind);
        assert_true(slice_eq(got.local, slice_from_cstr(cases[i].local)));
        assert_true(slice_eq(got.domain, slice_from_cstr(cases[i].domain)));
        assert_int_equal(got.source_route, input[1] == '@');
        assert_int_equal(got.utf8, cases[i].flags == ADDRESS_UTF8);
        assert_true(slice_eq(address_local(got.mailbox), got.local));
        assert_true(slice_eq(address_domain(got.mailbox), got.domain));
        free(input);
    }
}

static void test_bad_paths_are_told_with_their_offset(void **state)
{
    static const struct {
        struct slice input;
        unsigned flags;
        enum address_error error;
        size_t at;
    } cases[] = {
        {SLICE_INIT(""), 0, ADDRESS_NO_OPENING, 0},
        {SLICE_INIT("joe@example.org"), 0, ADDRESS_NO_OPENING, 0},
        {SLICE_INIT(" <joe@example.org>"), 0, ADDRESS_NO_OPENING, 0},
        {SLICE_INIT("<"), 0, ADDRESS_BAD_LOCAL, 1},
        {SLICE_INIT("<>"), RCPT_TO, ADDRESS_EMPTY, 1},
        {SLICE_INIT("< >"), MAIL_FROM, ADDRESS_BAD_LOCAL, 1},
        {SLICE_INIT("<joe"), 0, ADDRESS_NO_CLOSING, 4},
        {SLICE_INIT("<joe>"), MAIL_FROM, ADDRESS_NO_DOMAIN, 4},
        {SLICE_INIT("<joe>"), RCPT_TO, ADDRESS_NO_DOMAIN, 4},
        {SLICE_INIT("<postmaster>"), MAIL_FROM, ADDRESS_NO_DOMAIN, 11},
        {SLICE_INIT("<postmaster@>"), RCPT_TO, ADDRESS_BAD_DOMAIN, 12},
        {SLICE_INIT("<joe@example.org"), 0, ADDRESS_NO_CLOSING, 16},
        {SLICE_INIT("<joe@example.org >"), 0, ADDRESS_NO_CLOSING, 16},
        {SLICE_INIT("<joe@exam\0ple>"), 0, ADDRESS_NO_CLOSING, 9},
        {SLICE_INIT("<joe smith@a>"), 0, ADDRESS_BAD_LOCAL, 4},
        {SLICE_INIT("<.joe@a>"), 0, ADDRESS_BAD_LOCAL, 1},
        {SLICE_INIT("<joe.@a>"), 0, ADDRESS_BAD_LOCAL, 5},
        {SLICE_INIT("<a..b@a>"), 0, ADDRESS_BAD_LOCAL, 3},
        {SLICE_INIT("<a@b@c>"), 0, ADDRESS_NO_CLOSING, 4},
        {SLICE_INIT("<@b>"), 0, ADDRESS_BAD_ROUTE, 3},
        {SLICE_INIT("<@b:>"), 0, ADDRESS_BAD_LOCAL, 4},
        {SLICE_INIT("<@b,c:a@d>"), 0, ADDRESS_BAD_ROUTE, 4},
        {SLICE_INIT("<@b,:a@d>"), 0, ADDRESS_BAD_ROUTE, 4},
        {SLICE_INIT("<\"a@b>"), 0, ADDRESS_BAD_QUOTED, 6},
        {SLICE_INIT("<\"a\\"), 0, ADDRESS_BAD_QUOTED, 4},
        {SLICE_INIT("<\"a\tb\"@c>"), 0, ADDRESS_BAD_QUOTED, 3},
        {SLICE_INIT("<\"a\"b@c>"), 0, ADDRESS_BAD_LOCAL, 4},
        {SLICE_INIT("<\"a\".b@c>"), 0, ADDRESS_BAD_LOCAL, 4},
        {SLICE_INIT("<a\r@c>"), 0, ADDRESS_BAD_LOCAL, 2},
        {SLICE_INIT("<a@.b>"), 0, ADDRESS_BAD_DOMAIN, 3},
        {SLICE_INIT("<a@b.>"), 0, ADDRESS_BAD_DOMAIN, 5},
        {SLICE_INIT("<a@b..c>"), 0, ADDRESS_BAD_DOMAIN, 5},
        {SLICE_INIT("<a@-b>"), 0, ADDRESS_BAD_DOMAIN, 3},
        {SLICE_INIT("<a@b->"), 0, ADDRESS_BAD_DOMAIN, 5},
        {SLICE_INIT("<a@b-.c>"), 0, ADDRESS_BAD_DOMAIN, 5},
        {SLICE_INIT("<a@[192.0.2.256]>"), 0, ADDRESS_BAD_LITERAL, 15},
        {SLICE_INIT("<a@[192.0.2]>"), 0, ADDRESS_BAD_LITERAL, 11},
        {SLICE_INIT("<a@[192.0.2.1.1]>"), 0, ADDRESS_BAD_LITERAL, 15},
        {SLICE_INIT("<a@[0192.0.2.1]>"), 0, ADDRESS_BAD_LITERAL, 14},
        {SLICE_INIT("<a@[IPv6:2001:db8::1::]>"), 0, ADDRESS_BAD_LITERAL, 22},
        {SLICE_INIT("<a@[IPv6:192.0.2.1]>"), 0, ADDRESS_BAD_LITERAL, 18},
        {SLICE_INIT("<a@[2001:db8::1"), 0, ADDRESS_BAD_LITERAL, 15},
        {SLICE_INIT("<a@[2001:db8::1]>"), 0, ADDRESS_BAD_LITERAL, 15},
        {SLICE_INIT("<a@[]>"), 0, ADDRESS_BAD_LITERAL, 4},
        {SLICE_INIT("<a@[tag:]>"), 0, ADDRESS_BAD_LITERAL, 8},
        {SLICE_INIT("<a@[tag-:x]>"), 0, ADDRESS_BAD_LITERAL, 10},
        {SLICE_INIT("<a@[tag:x y]>"), 0, ADDRESS_BAD_LITERAL, 9},
        {SLICE_INIT("<a@[192.0.2.1]b>"), 0, ADDRESS_NO_CLOSING, 14},
        {SLICE_INIT("<" A60 "aaaaa@a>"), 0, ADDRESS_LONG_LOCAL, 66},
        {SLICE_INIT("<SRS0=" A60 "@a>"), 0, ADDRESS_OK, 69},
        {SLICE_INIT("<\"srs1-" A60 "\"@a>"), 0, ADDRESS_OK, 71},
        {SLICE_INIT("<SRS2=" A60 "@a>"), 0, ADDRESS_LONG_LOCAL, 66},
        {SLICE_INIT("<SRS0_" A60 "@a>"), 0, ADDRESS_LONG_LOCAL, 66},
        {SLICE_INIT("<a@" LABEL63 "a.org>"), 0, ADDRESS_LONG_DOMAIN, 67},
        {SLICE_INIT("<" A60 "aa@" LABEL63 "." LABEL63 "." LABEL63 ">"), 0, ADDRESS_OK, 256},
        {SLICE_INIT("<" A60 "aaa@" LABEL63 "." LABEL63 "." LABEL63 ">"), 0, ADDRESS_LONG_PATH, 256},
        {SLICE_INIT("<a@" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ">"), 0, ADDRESS_LONG_PATH,
         258},
        {SLICE_INIT("<a@" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".a>"), 0,
         ADDRESS_LONG_DOMAIN, 260},
        {SLICE_INIT("<用户@a>"), 0, ADDRESS_UTF8_FORBIDDEN, 1},
        {SLICE_INIT("<\"用户\"@a>"), 0, ADDRESS_UTF8_FORBIDDEN, 2},
        {SLICE_INIT("<a@例子>"), 0, ADDRESS_UTF8_FORBIDDEN, 3},
        {SLICE_INIT("<a\xc0\x80@a>"), ADDRESS_UTF8, ADDRESS_BAD_UTF8, 2},
        {SLICE_INIT("<a@\xed\xa0\x80>"), ADDRESS_UTF8, ADDRESS_BAD_UTF8, 3},
        {SLICE_INIT("<a@\xe4\xbe"), ADDRESS_UTF8, ADDRESS_BAD_UTF8, 3},
        /* U+FF20, which the IDNA mapping turns into "@", and U+2024 into a dot. */
        {SLICE_INIT("<a@b\xef\xbc\xa0z>"), ADDRESS_UTF8, ADDRESS_BAD_DOMAIN, 8},
        {SLICE_INIT("<a@b\xe2\x80\xa4>"), ADDRESS_UTF8, ADDRESS_BAD_DOMAIN, 7},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address got = {.kind = ADDRESS_GENERAL};
        struct address_result result = address_parse_path(cases[i].input, cases[i].flags, &got);

        if (result.error != cases[i].error || result.at != cases[i].at)
            fail_msg("%.*s: %s at %zu", SLICE_ARG(cases[i].input), address_error_text(result.error),
                     result.at);
        if (result.error)
            assert_int_equal(got.kind, ADDRESS_GENERAL); /* untouched */
    }
}

static void test_mailbox_is_the_whole_input(void **state)
{
    static const struct {
        const char *input;
        unsigned flags;
        enum address_error error;
        size_t at;
    } cases[] = {
        {"joe@example.org", 0, ADDRESS_OK, 15},
        {"", ADDRESS_ALLOW_NULL, ADDRESS_EMPTY, 0},
        {"joe@example.org>", 0, ADDRESS_BAD_DOMAIN, 15},
        {"joe@example.org\r\nRCPT", 0, ADDRESS_BAD_DOMAIN, 15},
        {"<joe@example.org>", 0, ADDRESS_BAD_LOCAL, 0},
        {"@a:joe@example.org", 0, ADDRESS_BAD_LOCAL, 0},
        {"postmaster", ADDRESS_BARE_POSTMASTER, ADDRESS_OK, 10},
        {"postmaster", 0, ADDRESS_NO_DOMAIN, 10},
        {"root", ADDRESS_UNQUALIFIED, ADDRESS_OK, 4},
        {"root>", ADDRESS_UNQUALIFIED, ADDRESS_BAD_LOCAL, 4},
        {"root", ADDRESS_BARE_POSTMASTER, ADDRESS_NO_DOMAIN, 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address got;
        struct address_result result =
            address_parse_mailbox(slice_from_cstr(cases[i].input), cases[i].flags, &got);

        if (result.error != cases[i].error || result.at != cases[i].at)
            fail_msg("%s: %s at %zu", cases[i].input, address_error_text(result.error), result.at);
    }
}

static void test_domains_become_a_labels(void **state)
{
    static const struct {
        const char *domain;
        const char *ascii; /* NULL: refused */
    } cases[] = {
        {"Example.ORG", "example.org"},
        {"BÜCHER.example", "xn--bcher-kva.example"},
        {"xn--BCHER-kva.example", "xn--bcher-kva.example"},
        {"faß.de", "xn--fa-hia.de"},
        {"例子。中国", "xn--fsqu00a.xn--fiqs8s"},
        {"[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"},
        {"", NULL},
        {"a..b", NULL},
        {"a.", NULL},
        {"a b", NULL},
        {"-a", NULL},
        {"a@b", NULL},
        {"a＠b", NULL},
        {"ü\u200b b", NULL},
        {"\xff.example", NULL},
        {LABEL63 "a", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        struct slice ascii;
        int r;

        arena_init(&arena);
        r = address_domain_to_ascii(&arena, slice_from_cstr(cases[i].domain), &ascii);
        if ((r == 0) != (cases[i].ascii != NULL))
            fail_msg("%s: %d", cases[i].domain, r);
        if (r == 0 && !slice_eq(ascii, slice_from_cstr(cases[i].ascii)))
            fail_msg("%s: %.*s", cases[i].domain, SLICE_ARG(ascii));
        arena_done(&arena);
    }
}

static void test_equal_mailboxes(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool equal;
    } cases[] = {
        {"joe@example.org", "JOE@EXAMPLE.org", true},
        {"joe@example.org", "\"joe\"@example.org", true},
        {"\"j\\oe\"@example.org", "joe@example.org", true},
        {"\"a b\"@x", "\"a\\ B\"@x", true},
        {"joe@bücher.example", "joe@xn--bcher-kva.example", true},
        {"joe@BÜCHER.example", "joe@bücher.example", true},
        {"joe@example.org", "joe@example.com", false},
        {"joe@example.org", "joe", false},
        {"\"joe@example.org\"", "joe@example.org", false},
        {"\"a@b\"@c", "a@b", false},
        {"ü@x", "Ü@x", false},
        {"", "", true},
        {"postmaster", "Postmaster", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (address_eq(slice_from_cstr(cases[i].a), slice_from_cstr(cases[i].b)) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    assert_true(address_domain_eq(SLICE("BÜCHER.example"), SLICE("xn--bcher-kva.EXAMPLE")));
    assert_false(address_domain_eq(SLICE("a..b"), SLICE("a.b")));
}

static void test_quotes_come_and_go(void **state)
{
    static const struct {
        const char *plain;
        const char *local;
    } cases[] = {
        {"joe", "joe"},         {"j.d", "j.d"},       {"", "\"\""},       {".a", "\".a\""},
        {"a.", "\"a.\""},       {"a..b", "\"a..b\""}, {"a b", "\"a b\""}, {"a\"b", "\"a\\\"b\""},
        {"a\\b", "\"a\\\\b\""}, {"a@b", "\"a@b\""},   {"üñ", "üñ"},       {"ü ñ", "\"ü ñ\""},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice local = address_local_quote(&arena, slice_from_cstr(cases[i].plain));
        assert_true(slice_eq(local, slice_from_cstr(cases[i].local)));
        assert_true(
            slice_eq(address_local_unquote(&arena, local), slice_from_cstr(cases[i].plain)));
    }
    arena_done(&arena);
}

static void test_tags(void **state)
{
    struct slice user = SLICE_NULL;
    struct slice tag = SLICE_NULL;

    (void)state;
    assert_true(address_split_tag(SLICE("joe+a+b"), '+', &user, &tag));
    assert_true(slice_eq(user, SLICE("joe")) && slice_eq(tag, SLICE("a+b")));
    assert_true(address_split_tag(SLICE("joe+"), '+', &user, &tag));
    assert_true(slice_eq(user, SLICE("joe")) && tag.len == 0);
    assert_false(address_split_tag(SLICE("joe"), '+', &user, &tag));
    assert_false(address_split_tag(SLICE("+joe"), '+', &user, &tag));
    assert_false(address_split_tag(SLICE_NULL, '+', &user, &tag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_paths),
        cmocka_unit_test(test_bad_paths_are_told_with_their_offset),
        cmocka_unit_test(test_mailbox_is_the_whole_input),
        cmocka_unit_test(test_domains_become_a_labels),
        cmocka_unit_test(test_equal_mailboxes),
        cmocka_unit_test(test_quotes_come_and_go),
        cmocka_unit_test(test_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
