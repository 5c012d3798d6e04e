#include "smtp/dot_stuff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
    struct slice input;
    struct slice data;  /* with dots and end */
    struct slice chunk; /* without */
} cases[] = {
    {SLICE_INIT(""), SLICE_INIT(".\r\n"), SLICE_INIT("")},
    {SLICE_INIT("a\r\n"), SLICE_INIT("a\r\n.\r\n"), SLICE_INIT("a\r\n")},
    {SLICE_INIT("a"), SLICE_INIT("a\r\n.\r\n"), SLICE_INIT("a\r\n")},
    {SLICE_INIT("a\r"), SLICE_INIT("a\r\n.\r\n"), SLICE_INIT("a\r\n")},
    {SLICE_INIT(".\r\n"), SLICE_INIT("..\r\n.\r\n"), SLICE_INIT(".\r\n")},
    {SLICE_INIT("..\r\n.a\r\n"), SLICE_INIT("...\r\n..a\r\n.\r\n"), SLICE_INIT("..\r\n.a\r\n")},
    {SLICE_INIT("a.\r\n"), SLICE_INIT("a.\r\n.\r\n"), SLICE_INIT("a.\r\n")},
    {SLICE_INIT("a\n.\nb"), SLICE_INIT("a\r\n..\r\nb\r\n.\r\n"), SLICE_INIT("a\r\n.\r\nb\r\n")},
    {SLICE_INIT("a\r.\rb"), SLICE_INIT("a\r\n..\r\nb\r\n.\r\n"), SLICE_INIT("a\r\n.\r\nb\r\n")},
    {SLICE_INIT("a\n\r\n"), SLICE_INIT("a\r\n\r\n.\r\n"), SLICE_INIT("a\r\n\r\n")},
    {SLICE_INIT("a\r\r\n"), SLICE_INIT("a\r\n\r\n.\r\n"), SLICE_INIT("a\r\n\r\n")},
    {SLICE_INIT("a\r\n.\r\nMAIL FROM:<x>\r\n"), SLICE_INIT("a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
     SLICE_INIT("a\r\n.\r\nMAIL FROM:<x>\r\n")},
    {SLICE_INIT("a\n.\r\nRSET\r\n"), SLICE_INIT("a\r\n..\r\nRSET\r\n.\r\n"),
     SLICE_INIT("a\r\n.\r\nRSET\r\n")},
};

static void stuff(struct slice input, bool dots, size_t piece, struct buf *out)
{
    struct dot_stuff state;

    dot_stuff_init(&state, dots);
    for (size_t at = 0; at < input.len; at += piece) {
        size_t before = out->len;
        struct slice part = slice_sub(input, at, piece);
        dot_stuff_add(&state, part, out);
        assert_true(out->len - before <= 2 * part.len + DOT_STUFF_EXTRA);
    }
    dot_stuff_end(&state, out);
}

static void test_text_comes_out_the_same_in_any_pieces(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece <= cases[i].input.len + 1; piece++) {
            buf_reset(&out);
            stuff(cases[i].input, true, piece, &out);
            assert_true(slice_eq(buf_slice(&out), cases[i].data));
            buf_reset(&out);
            stuff(cases[i].input, false, piece, &out);
            assert_true(slice_eq(buf_slice(&out), cases[i].chunk));
        }
    }
    buf_done(&out);
}

/* Every text of up to seven bytes out of the four that matter. */
static void test_no_bare_newline_and_no_early_end(void **state)
{
    static const char alphabet[] = {'a', '.', '\r', '\n'};
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    for (unsigned number = 0; number < 1u << 14; number++) {
        char text[7];
        const char *end;
        for (unsigned i = 0; i < sizeof(text); i++)
            text[i] = alphabet[number >> (2 * i) & 3];
        buf_reset(&out);
        buf_add_cstr(&out, "\r\n");
        stuff(slice_from(text, sizeof(text)), true, 3, &out);
        for (size_t i = 2; i < out.len; i++)
            assert_true((out.ptr[i] == '\n') == (out.ptr[i - 1] == '\r'));
        end = memmem(out.ptr, out.len, "\r\n.\r\n", 5);
        assert_ptr_equal(end, out.ptr + out.len - 5);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_comes_out_the_same_in_any_pieces),
        cmocka_unit_test(test_no_bare_newline_and_no_early_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
