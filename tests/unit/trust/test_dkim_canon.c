#include "trust/dkim_canon.h"

#include "../cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static void collect(void *arg, struct slice text)
{
    buf_add_slice(arg, text);
}

static void canonicalise(enum dkim_canon canon, struct slice text, size_t piece, struct buf *out)
{
    struct dkim_canon_body *body = xmalloc(sizeof(*body));

    buf_reset(out);
    dkim_canon_body_init(body, canon, collect, out);
    for (size_t at = 0; at < text.len; at += piece)
        dkim_canon_body_feed(body, slice_sub(text, at, piece));
    dkim_canon_body_end(body);
    assert_int_equal(body->size, out->len);
    free(body);
}

/* RFC 6376 section 3.4.5 first. */
static void test_fields(void **state)
{
    static const struct {
        struct slice raw, simple, relaxed;
    } cases[] = {
        {SLICE_INIT("A: X\r\n"), SLICE_INIT("A: X\r\n"), SLICE_INIT("a:X\r\n")},
        {SLICE_INIT("B : Y\t\r\n\tZ  \r\n"), SLICE_INIT("B : Y\t\r\n\tZ  \r\n"),
         SLICE_INIT("b:Y Z\r\n")},
        {SLICE_INIT("A: X\n\ty\n"), SLICE_INIT("A: X\r\n\ty\r\n"), SLICE_INIT("a:X y\r\n")},
        {SLICE_INIT("A:"), SLICE_INIT("A:\r\n"), SLICE_INIT("a:\r\n")},
        {SLICE_INIT("A:\r\n \r\n"), SLICE_INIT("A:\r\n \r\n"), SLICE_INIT("a:\r\n")},
        {SLICE_INIT("A:x\ry\r\n"), SLICE_INIT("A:x\ry\r\n"), SLICE_INIT("a:x\ry\r\n")},
        {SLICE_INIT("Subject:\xc3\xa4 : b\r\n"), SLICE_INIT("Subject:\xc3\xa4 : b\r\n"),
         SLICE_INIT("subject:\xc3\xa4 : b\r\n")},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_reset(&out);
        dkim_canon_field(DKIM_SIMPLE, cases[i].raw, &out);
        assert_true(slice_eq(buf_slice(&out), cases[i].simple));
        buf_reset(&out);
        dkim_canon_field(DKIM_RELAXED, cases[i].raw, &out);
        assert_true(slice_eq(buf_slice(&out), cases[i].relaxed));
    }
    buf_done(&out);
}

static void test_bodies(void **state)
{
    static const struct {
        struct slice raw, simple, relaxed;
    } cases[] = {
        {SLICE_INIT(" C \r\nD \t E\r\n\r\n\r\n"), SLICE_INIT(" C \r\nD \t E\r\n"),
         SLICE_INIT(" C\r\nD E\r\n")},
        {SLICE_INIT(""), SLICE_INIT("\r\n"), SLICE_INIT("")},
        {SLICE_INIT("\r\n"), SLICE_INIT("\r\n"), SLICE_INIT("")},
        {SLICE_INIT("\r\n\r\n"), SLICE_INIT("\r\n"), SLICE_INIT("")},
        {SLICE_INIT(" \t\r\n"), SLICE_INIT(" \t\r\n"), SLICE_INIT("")},
        {SLICE_INIT(" "), SLICE_INIT(" \r\n"), SLICE_INIT("")},
        {SLICE_INIT("a"), SLICE_INIT("a\r\n"), SLICE_INIT("a\r\n")},
        {SLICE_INIT("a\r"), SLICE_INIT("a\r\r\n"), SLICE_INIT("a\r\r\n")},
        {SLICE_INIT("a\r\r\n"), SLICE_INIT("a\r\r\n"), SLICE_INIT("a\r\r\n")},
        {SLICE_INIT("a\rb \r\n"), SLICE_INIT("a\rb \r\n"), SLICE_INIT("a\rb\r\n")},
        {SLICE_INIT("a\nb\n\n"), SLICE_INIT("a\r\nb\r\n"), SLICE_INIT("a\r\nb\r\n")},
        {SLICE_INIT("\r\n\r\na\r\n\r\n b"), SLICE_INIT("\r\n\r\na\r\n\r\n b\r\n"),
         SLICE_INIT("\r\n\r\na\r\n\r\n b\r\n")},
        {SLICE_INIT("  \t a \t b\tc   d \r\n \r\n"), SLICE_INIT("  \t a \t b\tc   d \r\n \r\n"),
         SLICE_INIT(" a b c d\r\n")},
        {SLICE_INIT("1234567 \r\n"), SLICE_INIT("1234567 \r\n"), SLICE_INIT("1234567\r\n")},
        {SLICE_INIT("1234567  9\r\n"), SLICE_INIT("1234567  9\r\n"), SLICE_INIT("1234567 9\r\n")},
        {SLICE_INIT("12345678 0\t\r\n"), SLICE_INIT("12345678 0\t\r\n"),
         SLICE_INIT("12345678 0\r\n")},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece < 40; piece++) {
            canonicalise(DKIM_SIMPLE, cases[i].raw, piece, &out);
            if (!slice_eq(buf_slice(&out), cases[i].simple))
                fail_msg("simple %zu by %zu", i, piece);
            canonicalise(DKIM_RELAXED, cases[i].raw, piece, &out);
            if (!slice_eq(buf_slice(&out), cases[i].relaxed))
                fail_msg("relaxed %zu by %zu", i, piece);
        }
    }
    buf_done(&out);
}

/* A naive relaxed, for long texts: whatever the fast paths do, it is the same. */
static void relax_slowly(struct slice text, struct buf *out)
{
    size_t ends = 0;

    buf_reset(out);
    while (text.ptr && text.len) {
        struct slice line = slice_cut(&text, '\n');
        size_t at = 0;
        if (text.ptr && line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        while (line.len && ascii_is_blank(line.ptr[line.len - 1]))
            line.len--;
        while (line.len && ends) {
            buf_add_cstr(out, "\r\n");
            ends--;
        }
        for (; at < line.len; at++) {
            if (!ascii_is_blank(line.ptr[at]))
                buf_add_char(out, line.ptr[at]);
            else if (at == 0 || !ascii_is_blank(line.ptr[at - 1]))
                buf_add_char(out, ' ');
        }
        ends++;
    }
    if (out->len)
        buf_add_cstr(out, "\r\n");
}

static void test_random_texts(void **state)
{
    static const char letters[] = "ab \t\r\n\r\n  xyzxyzxyzxyzxyzxyzxyz";
    struct buf text, out, slow;
    uint32_t seed = 1;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_init(&slow, 1 << 20);
    for (unsigned round = 0; round < 300; round++) {
        buf_reset(&text);
        for (unsigned i = 0; i < 20 * round; i++) {
            seed = seed * 1664525 + 1013904223;
            if ((seed >> 24) % 7 == 0)
                buf_add_cstr(&text, "\r\n");
            buf_add_char(&text, letters[(seed >> 16) % (sizeof(letters) - 1)]);
        }
        relax_slowly(buf_slice(&text), &slow);
        canonicalise(DKIM_RELAXED, buf_slice(&text), 1 + (seed >> 20) % 5000, &out);
        if (!slice_eq(buf_slice(&out), buf_slice(&slow)))
            fail_msg("round %u", round);
    }
    buf_done(&text);
    buf_done(&out);
    buf_done(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
