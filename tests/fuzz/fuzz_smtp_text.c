/*
 * Texts of DATA and BDAT: the same result however they are segmented; with conversion no bare CR or
 * LF is left; without it a text that has one is faulty.
 */
#include "base/buf.h"
#include "smtp/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct slice input, size_t step, bool dots, bool convert, struct buf *out)
{
    struct smtp_text text;
    struct slice run, left = input;

    smtp_text_init(&text, dots, convert, 100);
    for (size_t at = 0; at < input.len && !text.ended; at += step) {
        struct slice piece = slice_sub(input, at, step);
        while (smtp_text_next(&text, &piece, &run))
            buf_add_slice(out, run);
        left = slice_skip(input, (size_t)(piece.ptr - input.ptr));
    }
    if (!dots)
        buf_add_slice(out, smtp_text_finish(&text));
    for (size_t i = 0; i < out->len; i++) {
        bool cr = i > 0 && out->ptr[i - 1] == '\r', bare_lf = out->ptr[i] == '\n' && !cr;
        bool bare_cr = cr && out->ptr[i] != '\n';
        if ((bare_lf || bare_cr) && (convert || !text.faults))
            abort();
    }
    buf_printf(out, "|%u %d %d %zu", text.faults, text.ended, text.eight_bit, left.len);
}

static void compare(struct slice input, bool dots, bool convert)
{
    struct buf whole, bytes;

    buf_init(&whole, SIZE_MAX);
    buf_init(&bytes, SIZE_MAX);
    run(input, input.len ? input.len : 1, dots, convert, &whole);
    run(input, 1, dots, convert, &bytes);
    if (!slice_eq(buf_slice(&whole), buf_slice(&bytes)))
        abort();
    buf_done(&whole);
    buf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_from(data, size);

    for (unsigned i = 0; i < 4; i++)
        compare(input, i & 1, i & 2);
    return 0;
}
