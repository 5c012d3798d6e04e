#include "base/buf.h"
#include "smtp/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Feeds the input as a session does: what is not taken is given again with the next bytes. */
static void check(struct slice input, size_t step, bool bare_ok, const char *want)
{
    struct smtp_lines lines = {.max = 12, .bare_lf_ok = bare_ok};
    struct buf pending, seen;

    buf_init(&pending, 12 + step);
    buf_init(&seen, 256);
    for (size_t at = 0; at < input.len; at += step) {
        struct slice rest, line = SLICE_NULL;
        enum smtp_line verdict;
        buf_add_slice(&pending, slice_sub(input, at, step));
        rest = buf_slice(&pending);
        while ((verdict = smtp_lines_next(&lines, &rest, &line)) != SMTP_LINE_MORE) {
            buf_add_char(&seen, "G-LNCF"[verdict]);
            if (verdict == SMTP_LINE_GOOD)
                buf_printf(&seen, "%.*s;", SLICE_ARG(line));
        }
        buf_drop_front(&pending, pending.len - rest.len);
    }
    assert_false(pending.overflow);
    buf_add_char(&seen, '\0');
    assert_string_equal(seen.ptr, want);
    buf_done(&pending);
    buf_done(&seen);
}

static void test_lines_are_cut_alike_whatever_the_segments(void **state)
{
    static const struct {
        struct slice input;
        bool bare_ok;
        const char *want;
    } cases[] = {
        {SLICE_INIT("NOOP\r\n\r\nQUIT\r\n"), false, "GNOOP;G;GQUIT;"},
        {SLICE_INIT("1234567890\r\n"), false, "G1234567890;"},
        {SLICE_INIT("12345678901\r\nNOOP\r\n"), false, "LGNOOP;"},
        {SLICE_INIT("1234567890123456789012345678901234567890\r\nNOOP\r\n"), false, "LGNOOP;"},
        {SLICE_INIT("1234567890123456789012345678901234567890\nNOOP\r\n"), false, "FGNOOP;"},
        {SLICE_INIT("NO\0OP\r\nQUIT\r\n"), false, "NGQUIT;"},
        {SLICE_INIT("NO\rOP\r\nQUIT\r\n"), false, "CGQUIT;"},
        {SLICE_INIT("NOOP\nQUIT\r\n"), false, "FGQUIT;"},
        {SLICE_INIT("NOOP\nQUIT\r\n"), true, "GNOOP;GQUIT;"},
        {SLICE_INIT("NOOP"), false, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t step = 1; step <= cases[i].input.len; step++)
            check(cases[i].input, step, cases[i].bare_ok, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_cut_alike_whatever_the_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
