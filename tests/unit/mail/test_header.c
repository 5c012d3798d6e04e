#include "mail/header.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "name=value|" of each field, "!" for a malformed one. */
static void test_fields(void **state)
{
    static const struct {
        struct slice message;
        const char *want;
        size_t section;
    } cases[] = {
        {SLICE_INIT(""), "", 0},
        {SLICE_INIT("\r\n"), "", 2},
        {SLICE_INIT("\n"), "", 1},
        {SLICE_INIT("\r"), "!|", 1},
        {SLICE_INIT("A: b\r\n\r\nC: d\r\n"), "A= b|", 8},
        {SLICE_INIT("A: b\nC:d\n\nbody"), "A= b|C=d|", 10},
        {SLICE_INIT("A: b\r\n c\r\n\td\r\n\r\n"), "A= b\r\n c\r\n\td|", 16},
        {SLICE_INIT("A: b"), "A= b|", 4},
        {SLICE_INIT("A: b\r"), "A= b\r|", 5},
        {SLICE_INIT("A:\r\n"), "A=|", 4},
        {SLICE_INIT("A:"), "A=|", 2},
        {SLICE_INIT("A \t: b\r\n"), "A= b|", 8},
        {SLICE_INIT("A: b\r\n \r\nC: d\r\n"), "A= b\r\n |C= d|", 15},
        {SLICE_INIT(": b\r\n"), "!|", 5},
        {SLICE_INIT("no colon\r\n more: of it\r\nA: b\r\n"), "!|A= b|", 30},
        {SLICE_INIT(" A: b\r\nC: d\r\n"), "!|C= d|", 13},
        {SLICE_INIT("A b: c\r\n"), "!|", 8},
        {SLICE_INIT("\xc3\xa4: c\r\n"), "!|", 7},
        {SLICE_INIT("A\r\n : b\r\n"), "!|", 9},
        {SLICE_INIT("A: b\r\n\rC: d\r\n\r\n"), "A= b|!|", 15},
        {SLICE_INIT("From joe Sun Nov 22\r\nA: b\r\n\r\n"), "!|A= b|", 29},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct header_iter iter = header_iterate(cases[i].message);
        struct header_field field;
        struct buf got;
        size_t raw = 0;

        buf_init(&got, 1000);
        while (header_next(&iter, &field)) {
            if (field.malformed)
                buf_add_cstr(&got, "!|");
            else
                buf_printf(&got, "%.*s=%.*s|", SLICE_ARG(field.name), SLICE_ARG(field.value));
            assert_int_equal(field.offset, raw);
            raw += field.raw.len;
        }
        assert_int_equal(iter.at, raw); /* nothing is left out */
        if (!slice_eq(buf_slice(&got), slice_from_cstr(cases[i].want)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buf_slice(&got)));
        assert_int_equal(header_section_size(cases[i].message), cases[i].section);
        buf_done(&got);
    }
}

static void test_find_and_count(void **state)
{
    static const struct slice message = SLICE_INIT(
        "To: a\r\nReceived: 1\r\nRECEIVED: 2\r\nReceived-X: 3\r\n\r\nReceived: body\r\n");
    struct header_field field;

    (void)state;
    assert_int_equal(header_count(message, SLICE("received")), 2);
    assert_true(header_find(message, SLICE("received"), &field));
    assert_true(slice_eq(field.raw, SLICE("Received: 1\r\n")));
    assert_int_equal(field.offset, 7);
    assert_false(header_find(message, SLICE("Date"), &field));
}

static void test_unfold(void **state)
{
    static const struct {
        struct slice folded;
        struct slice want;
    } cases[] = {
        {SLICE_INIT(" a b "), SLICE_INIT("a b")},
        {SLICE_INIT(" a\r\n b\n\tc\r\n "), SLICE_INIT("a b\tc")},
        {SLICE_INIT("\r\n"), SLICE_INIT("")},
        {SLICE_INIT("a\rb\r\n c"), SLICE_INIT("a\rb c")},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(slice_eq(header_unfold(&arena, cases[i].folded), cases[i].want));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_find_and_count),
        cmocka_unit_test(test_unfold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
