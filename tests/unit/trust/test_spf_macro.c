#include "trust/spf_macro.h"

#include "../cmocka_all.h"

#include <string.h>

static int value(void *arg, char letter, struct slice *ret_value)
{
    (void)arg;
    switch (letter) {
    case 's':
        *ret_value = SLICE("strong-bad@email.example.com");
        return 0;
    case 'l':
        *ret_value = SLICE("strong-bad");
        return 0;
    case 'o':
    case 'd':
        *ret_value = SLICE("email.example.com");
        return 0;
    case 'i':
    case 'c':
        *ret_value = SLICE("192.0.2.3");
        return 0;
    case 'v':
        *ret_value = SLICE("in-addr");
        return 0;
    case 'h':
        *ret_value = SLICE(".a..b. c/d\xc3");
        return 0;
    case 'r':
        *ret_value = SLICE("");
        return 0;
    default:
        return -7;
    }
}

/* The first table is that of RFC 7208 section 7.4. */
static void test_expands(void **state)
{
    static const struct {
        const char *spec, *name;
    } cases[] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},

        {"%{D2R}", "example.email"},
        {"%{S}", "strong-bad%40email.example.com"},
        {"%{d127}", "email.example.com"},
        {"%{d99999999999999999999}", "email.example.com"},
        {"%{d1r}", "email"},
        {"%{h}", ".a..b. c/d\xc3"},
        {"%{h1}", " c/d\xc3"},
        {"%{hr}", " c/d\xc3.b..a"},
        {"%{h2r}", "a"},
        {"%{h/}", ".a..b. c.d\xc3"},
        {"%{h1/}.x", "d\xc3.x"},
        {"%{H}", ".a..b.%20c%2Fd%C3"},
        {"%{s2@}", NULL},
        {"%{l-+.,/_=}", "strong.bad"},
        {"a%%b%_c%-d.example", "a%b c%20d.example"},
        {"x.example.com.", "x.example.com"},
        {"%{r}.example.com", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice spec = slice_from_cstr(cases[i].spec), name;
        struct spf_expansion room;
        const char *problem = spf_domain_spec_check(spec);
        assert_int_equal(problem == NULL, cases[i].name != NULL);
        if (problem)
            continue;
        assert_int_equal(spf_expand_name(spec, value, NULL, &room, &name), 0);
        if (!slice_eq(name, slice_from_cstr(cases[i].name)))
            fail_msg("%s: %.*s", cases[i].spec, SLICE_ARG(name));
    }
}

static void test_grammar(void **state)
{
    static const struct {
        const char *spec;
        bool is_spec, is_text;
    } cases[] = {
        {"example.com", true, true},
        {"example.com.", true, true},
        {"example.com..", false, true},
        {"example", false, true},
        {"example.", false, true},
        {".com", true, true},
        {"", false, true},
        {".", false, true},
        {"example.123", false, true},
        {"example.1-2", true, true},
        {"example.c3po", true, true},
        {"example.-com", false, true},
        {"example.com-", false, true},
        {"example.c_m", false, true},
        {"_spf.example.com", true, true},
        {"a/b:c=d.example", true, true},
        {"%{d}", true, true},
        {"%{d}.", false, true},
        {"%{d}.com", true, true},
        {"%{d}com", false, true},
        {"a%%", true, true},
        {"%{p}.%{h}", true, true},
        {"%{c}.example", false, true},
        {"%{t}", false, true},
        {"%{x}", false, false},
        {"%{d0}", false, false},
        {"%{d00}", false, false},
        {"%{d01}", true, true},
        {"%{dr1}", false, false},
        {"%{drr}", false, false},
        {"%{d.-.}", true, true},
        {"%{d:}", false, false},
        {"%{d", false, false},
        {"%{", false, false},
        {"%{}", false, false},
        {"%", false, false},
        {"%a", false, false},
        {"%(d).com", false, false},
        {"two words.com", false, true},
        {"tab\t.com", false, false},
        {"\xc3\xbc.com", false, false},
        {"del\x7f.com", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice text = slice_from_cstr(cases[i].spec);
        if ((spf_domain_spec_check(text) == NULL) != cases[i].is_spec ||
            (spf_explain_string_check(text) == NULL) != cases[i].is_text)
            fail_msg("%s", cases[i].spec);
    }
    assert_null(spf_macro_string_check(SLICE("x=%{c}")));
    assert_non_null(spf_macro_string_check(SLICE("x y")));
    assert_non_null(spf_domain_spec_check(SLICE("nul\0.com")));
}

/* Section 7.3: labels go at the left until 253 octets are left. */
static void test_long_names(void **state)
{
    struct spf_expansion room;
    struct buf_of_a {
        char bytes[8192];
    } text;
    struct slice name;
    size_t len;

    (void)state;
    memset(text.bytes, 'x', sizeof(text.bytes));
    for (size_t i = 9; i < 300; i += 10)
        text.bytes[i] = '.';
    memcpy(text.bytes + 300, "a.com", 5);
    assert_int_equal(spf_expand_name(slice_from(text.bytes, 305), value, NULL, &room, &name), 0);
    assert_int_equal(name.len, 245);
    assert_true(slice_ends_with_nocase(name, SLICE("xxx.a.com")));
    for (len = 0; len + 4 < 3000; len += 4)
        memcpy(text.bytes + len, "%{s}", 4);
    assert_int_equal(spf_expand_name(slice_from(text.bytes, 1200), value, NULL, &room, &name), 0);
    assert_int_equal(name.len, 235);
    assert_true(slice_ends_with_nocase(name, SLICE("bad@email.example.com")));
    /* More than anybody means. */
    assert_int_equal(spf_expand_name(slice_from(text.bytes, len), value, NULL, &room, &name), 0);
    assert_int_equal(name.len, 0);
    assert_int_equal(spf_expand_text(slice_from(text.bytes, len), value, NULL, &room, &name), 0);
    assert_int_equal(name.len, 0);
    memset(text.bytes, 'x', 300);
    assert_int_equal(spf_expand_name(slice_from(text.bytes, 300), value, NULL, &room, &name), 0);
    assert_int_equal(name.len, 0);
}

static void test_texts(void **state)
{
    struct spf_expansion room;
    struct slice text;

    (void)state;
    assert_int_equal(spf_expand_text(SLICE("%{c} is not %{h}."), value, NULL, &room, &text), 0);
    assert_true(slice_eq(text, SLICE("192.0.2.3 is not .a..b. c/d?.")));
    assert_int_equal(spf_expand_text(SLICE("at %{t}"), value, NULL, &room, &text), -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expands),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
