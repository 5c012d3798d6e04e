#include "mail/headerwrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define A10      "aaaaaaaaaa"
#define A70      A10 A10 A10 A10 A10 A10 A10

static void test_fields_fold_at_blanks(void **state)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", "X:\r\n"},
        {"a", "X: a\r\n"},
        {" a \t b\r\nc ", "X: a b c\r\n"},
        {A70 " aaaa b", "X: " A70 " aaaa\r\n b\r\n"},
        {A70 A70 " b", "X: " A70 A70 "\r\n b\r\n"},
        {"a\001b\x7f", "X: a?b?\r\n"},
        {"a\r\nBcc: evil@x", "X: a Bcc: evil@x\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;

        buf_init(&out, 4096);
        headerwrite_field(&out, "X", slice_from_cstr(cases[i].text));
        if (!slice_eq(buf_slice(&out), slice_from_cstr(cases[i].want)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
        buf_done(&out);
    }
}

static void test_no_word_makes_a_line_too_long(void **state)
{
    struct buf word;
    struct buf out;
    struct headerwrite field;
    struct slice rest;

    (void)state;
    buf_init(&word, 4096);
    buf_init(&out, 8192);
    for (size_t i = 0; i < 3000; i++)
        buf_add_char(&word, 'a');
    field = headerwrite_begin(&out, "X");
    headerwrite_word(&field, SLICE("a\r\nb c"));
    headerwrite_word(&field, buf_slice(&word));
    headerwrite_word(&field, SLICE("\0"));
    headerwrite_end(&field);
    assert_false(out.overflow);
    rest = buf_slice(&out);
    assert_true(slice_starts_with_nocase(rest, SLICE("X: a??b c\r\n ")));
    assert_true(slice_ends_with_nocase(rest, SLICE(" ?\r\n")));
    while (rest.ptr)
        assert_true(slice_cut(&rest, '\n').len < 998);
    buf_done(&word);
    buf_done(&out);
}

static void test_text_is_encoded_when_it_must_be(void **state)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"plain text", "Subject: plain text\r\n"},
        {"Grüße an Jörg", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_an_J=C3=B6rg?=\r\n"},
        {"=?not?q?encoded?=", "Subject: =?utf-8?q?=3D=3Fnot=3Fq=3Fencoded=3F=3D?=\r\n"},
        {"\xff raw", "Subject: =?unknown-8bit?q?=FF_raw?=\r\n"},
        {"ä\r\nBcc: x", "Subject: =?utf-8?q?=C3=A4=0D=0ABcc=3A_x?=\r\n"},
        {"例例例例例例例例例例例例",
         "Subject: =?utf-8?q?=E4=BE=8B=E4=BE=8B=E4=BE=8B=E4=BE=8B=E4=BE=8B=E4=BE=8B?=\r\n"
         " =?utf-8?q?=E4=BE=8B=E4=BE=8B=E4=BE=8B=E4=BE=8B=E4=BE=8B=E4=BE=8B?=\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;

        buf_init(&out, 4096);
        headerwrite_text(&out, "Subject", slice_from_cstr(cases[i].text));
        if (!slice_eq(buf_slice(&out), slice_from_cstr(cases[i].want)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
        buf_done(&out);
    }
}

static void test_encoded_lines_are_short(void **state)
{
    (void)state;
    for (size_t column = 0; column < 90; column++) {
        struct buf out;
        struct slice rest;
        size_t before = column;

        buf_init(&out, 4096);
        headerwrite_encoded_words(&out, SLICE("😀a😀 例😀 long enough for three lines or four 😀😀"),
                                  column);
        rest = buf_slice(&out);
        while (rest.ptr) {
            struct slice line = slice_trim(slice_cut(&rest, '\n'));
            assert_true(line.len == 0 || before + 1 + line.len <= 76);
            before = 0;
        }
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_fold_at_blanks),
        cmocka_unit_test(test_no_word_makes_a_line_too_long),
        cmocka_unit_test(test_text_is_encoded_when_it_must_be),
        cmocka_unit_test(test_encoded_lines_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
