#include "mail/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define A10      "aaaaaaaaaa"
#define A70      A10 A10 A10 A10 A10 A10 A10

/* RFC 4648 section 10. */
static void test_base64_vectors(void **state)
{
    static const struct {
        struct slice plain;
        struct slice encoded;
    } cases[] = {
        {SLICE_INIT(""), SLICE_INIT("")},
        {SLICE_INIT("f"), SLICE_INIT("Zg==")},
        {SLICE_INIT("fo"), SLICE_INIT("Zm8=")},
        {SLICE_INIT("foo"), SLICE_INIT("Zm9v")},
        {SLICE_INIT("foob"), SLICE_INIT("Zm9vYg==")},
        {SLICE_INIT("fooba"), SLICE_INIT("Zm9vYmE=")},
        {SLICE_INIT("foobar"), SLICE_INIT("Zm9vYmFy")},
        {SLICE_INIT("\xfb\xff\xfe\0"), SLICE_INIT("+//+AA==")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;

        buf_init(&out, 100);
        base64_encode_line(&out, cases[i].plain);
        assert_true(slice_eq(buf_slice(&out), cases[i].encoded));
        buf_reset(&out);
        assert_true(base64_decode_strict(&out, cases[i].encoded));
        assert_true(slice_eq(buf_slice(&out), cases[i].plain));
        buf_done(&out);
    }
}

static void test_base64_takes_what_it_can(void **state)
{
    static const struct {
        struct slice input;
        struct slice want;
        size_t strange;
        bool strict;
    } cases[] = {
        {SLICE_INIT("Zm9v\r\nYmFy\r\n"), SLICE_INIT("foobar"), 0, false},
        {SLICE_INIT("Zm9v YmFy"), SLICE_INIT("foobar"), 0, false},
        {SLICE_INIT("Zm9v!Ym\0Fy"), SLICE_INIT("foobar"), 2, false},
        {SLICE_INIT("Zm9"), SLICE_INIT("fo"), 0, false},
        {SLICE_INIT("Zm9vY"), SLICE_INIT("foo"), 1, false},
        {SLICE_INIT("Zg==Zg=="), SLICE_INIT("f"), 0, false},
        {SLICE_INIT("===="), SLICE_INIT(""), 0, false},
        {SLICE_INIT("Z==="), SLICE_INIT(""), 1, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        size_t strange = 99;

        buf_init(&out, 100);
        base64_decode(&out, cases[i].input, &strange);
        assert_true(slice_eq(buf_slice(&out), cases[i].want));
        assert_int_equal(strange, cases[i].strange);
        buf_reset(&out);
        buf_add_cstr(&out, "before");
        assert_int_equal(base64_decode_strict(&out, cases[i].input), cases[i].strict);
        assert_true(slice_eq(buf_slice(&out), SLICE("before")));
        buf_done(&out);
    }
}

static void test_base64_lines(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    base64_encode(&out, SLICE(A70 A70));
    assert_int_equal(out.len, 76 + 2 + 76 + 2 + 36 + 2);
    assert_true(slice_eq(slice_sub(buf_slice(&out), 76, 2), SLICE("\r\n")));
    assert_true(slice_ends_with_nocase(buf_slice(&out), SLICE("=\r\n")));
    buf_reset(&out);
    base64_encode(&out, SLICE_NULL);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void test_qp_encode(void **state)
{
    static const struct {
        struct slice plain;
        struct slice want;
    } cases[] = {
        {SLICE_INIT(""), SLICE_INIT("")},
        {SLICE_INIT("a = b\r\n"), SLICE_INIT("a =3D b\r\n")},
        {SLICE_INIT("J\xc3\xb6rg"), SLICE_INIT("J=C3=B6rg")},
        {SLICE_INIT("a \r\nb\t\r\n \r\n c "), SLICE_INIT("a=20\r\nb=09\r\n=20\r\n c=20")},
        {SLICE_INIT("a\nb\rc\r\r\n\0"), SLICE_INIT("a=0Ab=0Dc=0D\r\n=00")},
        {SLICE_INIT(".\r\n.a\r\nb.\r\n"), SLICE_INIT("=2E\r\n=2Ea\r\nb.\r\n")},
        {SLICE_INIT("From me\r\nFromage\r\n>From x\r\n"),
         SLICE_INIT("=46rom me\r\nFromage\r\n>From x\r\n")},
        {SLICE_INIT(A70 "aaaaa\r\n"), SLICE_INIT(A70 "aaaaa\r\n")},
        {SLICE_INIT(A70 "aaaaaa\r\n"), SLICE_INIT(A70 "aaaaa=\r\na\r\n")},
        {SLICE_INIT(A70 "aaa\xff"
                        "b"),
         SLICE_INIT(A70 "aaa=\r\n=FFb")},
        {SLICE_INIT(A70 "aaaaa.b"), SLICE_INIT(A70 "aaaaa=\r\n=2Eb")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        struct buf back;
        size_t strange;

        buf_init(&out, 1000);
        buf_init(&back, 1000);
        qp_encode(&out, cases[i].plain);
        if (!slice_eq(buf_slice(&out), cases[i].want))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
        assert_true(qp_encoded_size(cases[i].plain) <= out.len);
        qp_decode(&back, buf_slice(&out), &strange);
        assert_true(slice_eq(buf_slice(&back), cases[i].plain));
        assert_int_equal(strange, 0);
        buf_done(&out);
        buf_done(&back);
    }
}

static void test_qp_takes_what_it_can(void **state)
{
    static const struct {
        struct slice input;
        struct slice want;
        size_t strange;
    } cases[] = {
        {SLICE_INIT("a=3db"), SLICE_INIT("a=b"), 0},
        {SLICE_INIT("a  \r\nb\t\n"), SLICE_INIT("a\r\nb\n"), 0},
        {SLICE_INIT("a=\r\nb= \t\r\nc=\nd="), SLICE_INIT("abcd"), 0},
        {SLICE_INIT("a=G1"), SLICE_INIT("a=G1"), 1},
        {SLICE_INIT("a=1"), SLICE_INIT("a=1"), 1},
        {SLICE_INIT("==3D"), SLICE_INIT("=="), 1},
        {SLICE_INIT("\xff"), SLICE_INIT("\xff"), 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        size_t strange;

        buf_init(&out, 100);
        qp_decode(&out, cases[i].input, &strange);
        if (!slice_eq(buf_slice(&out), cases[i].want) || strange != cases[i].strange)
            fail_msg("%zu: %.*s, %zu", i, SLICE_ARG(buf_slice(&out)), strange);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_takes_what_it_can),
        cmocka_unit_test(test_base64_lines),
        cmocka_unit_test(test_qp_encode),
        cmocka_unit_test(test_qp_takes_what_it_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
