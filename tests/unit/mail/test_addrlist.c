#include "mail/addrlist.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "name <mailbox>|..." of all entries. */
static void print_list(struct buf *out, const struct addrlist *list)
{
    for (size_t i = 0; i < list->n; i++)
        buf_printf(out, "%s%.*s<%.*s>", i ? "|" : "", SLICE_ARG(list->entries[i].name),
                   SLICE_ARG(list->entries[i].mailbox));
}

static void test_good_lists(void **state)
{
    static const struct {
        const char *input;
        unsigned flags;
        const char *want;
    } cases[] = {
        {"", 0, ""},
        {" \r\n\t(nobody) ", 0, ""},
        {",,", 0, ""},
        {"joe@example.org", 0, "<joe@example.org>"},
        {"Joe <joe@a>, Jim <jim@b>", 0, "Joe<joe@a>|Jim<jim@b>"},
        {"\"Joe Q. Public\" <john.q.public@example.com>", 0,
         "Joe Q. Public<john.q.public@example.com>"},
        {"\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>", 0,
         "Giant; \"Big\" Box<sysservices@example.net>"},
        {"Who? <one@y.test>", 0, "Who?<one@y.test>"},
        {"Mary (from (deep) home) Smith\r\n  <mary@x.test>", 0, "Mary Smith<mary@x.test>"},
        {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", 0,
         "Ed Jones<c@a.test>|<joe@where.test>|John<jdoe@one.test>"},
        {"Undisclosed recipients:;", 0, ""},
        {"Undisclosed recipients:(nobody(that I know))  ;", 0, ""},
        {"a@b, Group: c@d;, e@f", 0, "<a@b>|<c@d>|<e@f>"},
        {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", 0,
         "Pete<pete@silly.test>"},
        {"Joe Q. Public <john . q . public @ example . com>", 0,
         "Joe Q. Public<john.q.public@example.com>"},
        {"Mary Smith <@node.test,,@b:mary@example.net>, , jdoe@test . example", 0,
         "Mary Smith<mary@example.net>|<jdoe@test.example>"},
        {"\"a b\".c@d", 0, "<\"a b.c\"@d>"},
        {"\"plain\"@d", 0, "<plain@d>"},
        {"joe@[ 192.0.2.1 ]", 0, "<joe@[192.0.2.1]>"},
        {"root, joe@a, <bin>", ADDRESS_UNQUALIFIED, "<root>|<joe@a>|<bin>"},
        {"Jörg <jörg@bücher.example>", ADDRESS_UTF8, "Jörg<jörg@bücher.example>"},
        {"J\xf6rg <joerg@a>", 0, "J\xf6rg<joerg@a>"},
        {"=?utf-8?q?J=C3=B6rg?= <joerg@a>", 0, "=?utf-8?q?J=C3=B6rg?=<joerg@a>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        struct addrlist list;
        struct address_result result;
        struct buf got;

        arena_init(&arena);
        buf_init(&got, 4096);
        result = addrlist_parse(slice_from_cstr(cases[i].input), cases[i].flags, &arena, &list);
        if (result.error)
            fail_msg("%s: %s at %zu", cases[i].input, address_error_text(result.error), result.at);
        print_list(&got, &list);
        if (!slice_eq(buf_slice(&got), slice_from_cstr(cases[i].want)))
            fail_msg("%s: %.*s", cases[i].input, SLICE_ARG(buf_slice(&got)));
        buf_done(&got);
        arena_done(&arena);
    }
}

static void test_bad_lists_are_told_with_their_offset(void **state)
{
    static const struct {
        const char *input;
        enum address_error error;
        size_t at;
    } cases[] = {
        {"joe", ADDRESS_NO_DOMAIN, 3},
        {"joe smith@a", ADDRESS_BAD_LOCAL, 10},
        {"a@b c@d", ADDRESS_BAD_LIST, 4},
        {"a@b; c@d", ADDRESS_BAD_LIST, 3},
        {"a@b <c@d>", ADDRESS_BAD_LIST, 4},
        {"Joe <joe@a", ADDRESS_NO_CLOSING, 10},
        {"Joe <joe@a> x", ADDRESS_BAD_LIST, 12},
        {"<>", ADDRESS_BAD_LOCAL, 1},
        {"Joe <@a joe@b>", ADDRESS_BAD_ROUTE, 8},
        {"(a", ADDRESS_BAD_LIST, 2},
        {"a@b)", ADDRESS_BAD_LIST, 3},
        {"(\\", ADDRESS_BAD_LIST, 2},
        {"\"joe <a@b>", ADDRESS_BAD_QUOTED, 10},
        {"Group: a@b", ADDRESS_BAD_LIST, 10},
        {"Group: Inner: a@b;;", ADDRESS_NO_DOMAIN, 12},
        {": a@b;", ADDRESS_BAD_LIST, 0},
        {"a@", ADDRESS_BAD_DOMAIN, 2},
        {"@a", ADDRESS_BAD_LOCAL, 1},
        {"a..b@c", ADDRESS_BAD_LOCAL, 5},
        {"a@[192.0.2.1", ADDRESS_BAD_LITERAL, 12},
        {"jörg@a", ADDRESS_UTF8_FORBIDDEN, 7},
        {"a\001@b", ADDRESS_NO_DOMAIN, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        struct addrlist list = {.n = 99};
        struct address_result result;

        arena_init(&arena);
        result = addrlist_parse(slice_from_cstr(cases[i].input), 0, &arena, &list);
        if (result.error != cases[i].error || result.at != cases[i].at)
            fail_msg("%s: %s at %zu", cases[i].input, address_error_text(result.error), result.at);
        assert_int_equal(list.n, 99); /* untouched */
        arena_done(&arena);
    }
}

static void test_bounds_hold(void **state)
{
    struct arena arena;
    struct addrlist list;
    struct buf in;

    (void)state;
    arena_init(&arena);
    buf_init(&in, 1 << 20);
    for (size_t i = 0; i < ADDRLIST_MAX; i++)
        buf_add_cstr(&in, "a@b,");
    assert_int_equal(addrlist_parse(buf_slice(&in), 0, &arena, &list).error, ADDRESS_OK);
    assert_int_equal(list.n, ADDRLIST_MAX);
    buf_add_cstr(&in, "a@b");
    assert_int_equal(addrlist_parse(buf_slice(&in), 0, &arena, &list).error, ADDRESS_TOO_MANY);

    buf_reset(&in);
    for (size_t i = 0; i <= ADDRLIST_COMMENT_DEPTH; i++)
        buf_add_char(&in, '(');
    assert_int_equal(addrlist_parse(buf_slice(&in), 0, &arena, &list).at, ADDRLIST_COMMENT_DEPTH);
    buf_done(&in);
    arena_done(&arena);
}

static void test_entries_know_where_they_stand(void **state)
{
    static const struct slice value = SLICE_INIT(" Joe <joe@a> , g: b@c (c) ;");
    struct arena arena;
    struct addrlist list;

    (void)state;
    arena_init(&arena);
    assert_int_equal(addrlist_parse(value, 0, &arena, &list).error, ADDRESS_OK);
    assert_int_equal(list.n, 2);
    assert_true(slice_eq(
        slice_sub(value, list.entries[0].start, list.entries[0].end - list.entries[0].start),
        SLICE("Joe <joe@a>")));
    assert_true(slice_eq(slice_trim(slice_sub(value, list.entries[1].start,
                                              list.entries[1].end - list.entries[1].start)),
                         SLICE("b@c (c)")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lists),
        cmocka_unit_test(test_bad_lists_are_told_with_their_offset),
        cmocka_unit_test(test_bounds_hold),
        cmocka_unit_test(test_entries_know_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
