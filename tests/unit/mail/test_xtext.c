#include "mail/xtext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_xtext(void **state)
{
    static const struct {
        struct slice plain;
        struct slice encoded;
    } cases[] = {
        {SLICE_INIT(""), SLICE_INIT("")},
        {SLICE_INIT("joe@example.org"), SLICE_INIT("joe@example.org")},
        {SLICE_INIT("a+b=c d"), SLICE_INIT("a+2Bb+3Dc+20d")},
        {SLICE_INIT("\0\r\n\x7f\xff"), SLICE_INIT("+00+0D+0A+7F+FF")},
    };
    static const char *const bad[] = {"a b", "a=b", "a+", "a+2", "a+2G", "a+-1", "\x7f", "\xff"};
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(cases); i++) {
        buf_reset(&out);
        xtext_encode(&out, cases[i].plain);
        assert_true(slice_eq(buf_slice(&out), cases[i].encoded));
        buf_reset(&out);
        assert_true(xtext_decode(&out, cases[i].encoded));
        assert_true(slice_eq(buf_slice(&out), cases[i].plain));
    }
    buf_reset(&out);
    assert_true(xtext_decode(&out, SLICE("a+2b")));
    assert_true(slice_eq(buf_slice(&out), SLICE("a+")));
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (xtext_decode(&out, slice_from_cstr(bad[i])) || out.len != 2)
            fail_msg("%s is taken for xtext", bad[i]);
    }
    buf_done(&out);
}

static void test_utf8_addresses(void **state)
{
    static const struct {
        const char *input;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"joe@example.org", "joe@example.org"},
        {"\\x{7528}@\\x{4F8b}.example", "用@例.example"},
        {"用@例.example", "用@例.example"},
        {"a\\x{2B}b\\x{20}\\x{1F600}\\x{10FFFF}", "a+b 😀\xf4\x8f\xbf\xbf"},
        {"a+2Bb", NULL},
        {"a=b", NULL},
        {"a b", NULL},
        {"\\", NULL},
        {"\\x{", NULL},
        {"\\x{}", NULL},
        {"\\x{4}", NULL},
        {"\\x{41", NULL},
        {"\\x{4G}", NULL},
        {"\\x{D800}", NULL},
        {"\\x{110000}", NULL},
        {"\\x{0000041}", NULL},
        {"\\y{41}", NULL},
        {"a\xff", NULL},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool good;
        buf_reset(&out);
        good = xtext_decode_utf8(&out, slice_from_cstr(cases[i].input));
        if (good != (cases[i].want != NULL) ||
            !slice_eq(buf_slice(&out), slice_from_cstr(cases[i].want)))
            fail_msg("%s: %.*s", cases[i].input, SLICE_ARG(buf_slice(&out)));
    }
    buf_reset(&out);
    xtext_encode_utf8(&out, SLICE("用+\\ =a@b\xff"));
    assert_true(
        slice_eq(buf_slice(&out), SLICE("\\x{7528}\\x{2B}\\x{5C}\\x{20}\\x{3D}a@b\\x{FF}")));
    buf_done(&out);
}

static void test_orcpt(void **state)
{
    static const struct {
        const char *input;
        const char *type; /* NULL: refused */
        const char *address;
    } cases[] = {
        {"rfc822;joe@example.org", "rfc822", "joe@example.org"},
        {"RFC822;a+2Bb@c", "RFC822", "a+b@c"},
        {"utf-8;\\x{7528}@a", "utf-8", "用@a"},
        {"utf-8;用@a", "utf-8", "用@a"},
        {"x400;c+3Dxx", "x400", "c=xx"},
        {"rfc822;a;b", "rfc822", "a;b"},
        {"", NULL, NULL},
        {"rfc822", NULL, NULL},
        {"rfc822;", NULL, NULL},
        {";a", NULL, NULL},
        {"rfc 822;a", NULL, NULL},
        {"rfc822;a b", NULL, NULL},
        {"rfc822;用@a", NULL, NULL},
        {"rfc822;a+0D+0AAction:+20x", NULL, NULL},
        {"utf-8;a\\x{0A}b", NULL, NULL},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice type = SLICE_NULL;
        bool good;
        buf_reset(&out);
        good = orcpt_decode(slice_from_cstr(cases[i].input), &type, &out);
        if (good != (cases[i].type != NULL) || !slice_eq(type, slice_from_cstr(cases[i].type)) ||
            !slice_eq(buf_slice(&out), slice_from_cstr(cases[i].address)))
            fail_msg("%s: %.*s", cases[i].input, SLICE_ARG(buf_slice(&out)));
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xtext),
        cmocka_unit_test(test_utf8_addresses),
        cmocka_unit_test(test_orcpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
