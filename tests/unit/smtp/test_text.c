#include "base/buf.h"
#include "smtp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

struct text_case {
    struct slice input;
    struct slice kept;
    struct slice left; /* behind the end of the text */
    bool ended;
    unsigned faults;
};

/* Feeds the input in pieces of `step` bytes; what is left when the text ends goes to `left`. */
static void feed(struct smtp_text *text, struct slice input, size_t step, struct buf *kept,
                 struct buf *left)
{
    for (size_t at = 0; at < input.len; at += step) {
        struct slice piece = slice_sub(input, at, step);
        struct slice run;
        while (smtp_text_next(text, &piece, &run))
            buf_add_slice(kept, run);
        buf_add_slice(left, piece);
    }
}

static void check(const struct text_case *c, bool dots, bool convert)
{
    for (size_t step = 1; step <= c->input.len; step++) {
        struct smtp_text text;
        struct buf kept, left;
        buf_init(&kept, 4096);
        buf_init(&left, 4096);
        smtp_text_init(&text, dots, convert, 30);
        feed(&text, c->input, step, &kept, &left);
        if (!dots)
            buf_add_slice(&kept, smtp_text_finish(&text));
        if (!slice_eq(buf_slice(&kept), c->kept) || !slice_eq(buf_slice(&left), c->left))
            fail_msg("'%.*s' in steps of %zu: kept '%.*s', left '%.*s'", SLICE_ARG(c->input), step,
                     SLICE_ARG(buf_slice(&kept)), SLICE_ARG(buf_slice(&left)));
        assert_int_equal(text.ended, c->ended);
        assert_int_equal(text.faults, c->faults);
        buf_done(&kept);
        buf_done(&left);
    }
}

#define TEXT(in, out, rest, end, fault)                                                            \
    {                                                                                              \
        SLICE_INIT(in), SLICE_INIT(out), SLICE_INIT(rest), end, fault                              \
    }

static void test_data_ends_at_its_dot_only(void **state)
{
    static const struct text_case cases[] = {
        TEXT(".\r\n", "", "", true, 0),
        TEXT("a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n", true, 0),
        TEXT("a\r\n..\r\n...b\r\n.c\r\n.\r\n", "a\r\n.\r\n..b\r\nc\r\n", "", true, 0),
        TEXT("a\r\n\r\n.\r\n.\r\n", "a\r\n\r\n", ".\r\n", true, 0),
        TEXT("a.\r\nb", "a.\r\nb", "", false, 0),
        TEXT("a\r\n.", "a\r\n", "", false, 0),
        TEXT("a\r\n.\r", "a\r\n", "", false, 0),
        /* A line of 30 octets with its end is good, one of 31 is not. */
        TEXT("1234567890123456789012345678\r\n.\r\n", "1234567890123456789012345678\r\n", "", true,
             0),
        TEXT("12345678901234567890123456789\r\n.\r\n", "12345678901234567890123456789\r\n", "",
             true, SMTP_TEXT_LONG_LINE),
        TEXT("a\0b\r\n.\r\n", "a\0b\r\n", "", true, SMTP_TEXT_NUL),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], true, false);
}

static void test_no_other_line_end_smuggles_an_end(void **state)
{
    static const struct text_case cases[] = {
        TEXT("a\n.\r\nb", "a\n.\r\nb", "", false, SMTP_TEXT_BARE_LF),
        TEXT("a\n.\nb", "a\n.\nb", "", false, SMTP_TEXT_BARE_LF),
        TEXT("a\r\n.\nb", "a\r\n\nb", "", false, SMTP_TEXT_BARE_LF),
        TEXT("a\r.\r\nb", "a\r.\r\nb", "", false, SMTP_TEXT_BARE_CR),
        TEXT("a\r\n.\rb", "a\r\n\rb", "", false, SMTP_TEXT_BARE_CR),
        TEXT("a\r\r\n.\r\n", "a\r\r\n", "", true, SMTP_TEXT_BARE_CR),
        TEXT("a\r\n.\r\r\nb", "a\r\n\r\r\nb", "", false, SMTP_TEXT_BARE_CR),
        TEXT("\n.\r\n\r\n.\r\n", "\n.\r\n\r\n", "", true, SMTP_TEXT_BARE_LF),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], true, false);
}

static void test_converted_line_ends_smuggle_nothing_either(void **state)
{
    static const struct text_case cases[] = {
        TEXT("a\nb\rc\r\n.\r\nd", "a\r\nb\r\nc\r\n", "d", true, 0),
        TEXT("a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", "", true, 0),
        TEXT("a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", "", true, 0),
        TEXT("a\n..b\n.\r\n.\r\n", "a\r\n.b\r\n.\r\n", "", true, 0),
        TEXT("a\r.\r\n.\r\n", "a\r\n.\r\n", "", true, 0),
        TEXT("a\r\r\n.\r\n", "a\r\n\r\n", "", true, 0),
        TEXT("a\r\n.\n.\r\n.\r\n", "a\r\n\r\n.\r\n", "", true, 0),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], true, true);
}

static void test_bdat_keeps_dots_and_ends_its_last_line(void **state)
{
    static const struct text_case refuse[] = {
        TEXT(".\r\na", ".\r\na\r\n", "", false, 0),
        TEXT("a\r\n.\r\n", "a\r\n.\r\n", "", false, 0),
        TEXT("a\nb", "a\nb\r\n", "", false, SMTP_TEXT_BARE_LF),
        TEXT("a\r", "a\r", "", false, SMTP_TEXT_BARE_CR),
    };
    static const struct text_case convert[] = {
        TEXT("a\n.b\n", "a\r\n.b\r\n", "", false, 0),
        TEXT("a\r", "a\r\n", "", false, 0),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refuse) / sizeof(refuse[0]); i++)
        check(&refuse[i], false, false);
    for (size_t i = 0; i < sizeof(convert) / sizeof(convert[0]); i++)
        check(&convert[i], false, true);
}

static void test_eight_bit_is_seen_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t at = 0; at < 20; at++) {
        char bytes[] = "0123456789abcdefghij";
        struct slice input = slice_from(bytes, 20);
        struct slice run;
        struct smtp_text text;
        bytes[at] = '\xe4';
        smtp_text_init(&text, true, false, 100);
        while (smtp_text_next(&text, &input, &run))
            ;
        assert_true(text.eight_bit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_ends_at_its_dot_only),
        cmocka_unit_test(test_no_other_line_end_smuggles_an_end),
        cmocka_unit_test(test_converted_line_ends_smuggle_nothing_either),
        cmocka_unit_test(test_bdat_keeps_dots_and_ends_its_last_line),
        cmocka_unit_test(test_eight_bit_is_seen_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
