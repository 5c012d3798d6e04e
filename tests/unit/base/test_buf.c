#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_additions_add_up(void **state)
{
    struct buf buf;
    char *room;

    (void)state;
    buf_init(&buf, 100000);
    assert_int_equal(buf_slice(&buf).len, 0);
    buf_add(&buf, "a\0b", 3);
    buf_add_slice(&buf, SLICE("-slice"));
    buf_add_slice(&buf, SLICE_NULL);
    buf_add_cstr(&buf, "-cstr");
    buf_add_char(&buf, '!');
    buf_printf(&buf, "%d%s", 42, "x");
    room = buf_reserve(&buf, 1000);
    assert_non_null(room);
    room[0] = 'r';
    room[1] = 's';
    buf_added(&buf, 2);
    assert_true(slice_eq(buf_slice(&buf), SLICE("a\0b-slice-cstr!42xrs")));
    for (int i = 0; i < 9000; i++)
        buf_add_char(&buf, 'y');
    assert_int_equal(buf.len, 9020);
    assert_false(buf.overflow);
    buf_done(&buf);
    assert_int_equal(buf.len, 0);
    buf_add_cstr(&buf, "again"); /* as after init */
    assert_true(slice_eq(buf_slice(&buf), SLICE("again")));
    buf_done(&buf);
}

static void test_overflow_sticks_and_keeps_what_there_was(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 4);
    buf_add_cstr(&buf, "abcd"); /* exactly full is not too much */
    assert_false(buf.overflow);
    buf_add(&buf, NULL, 0);
    assert_false(buf.overflow);
    buf_add_char(&buf, 'e');
    assert_true(buf.overflow);
    assert_true(slice_eq(buf_slice(&buf), SLICE("abcd")));
    buf_reset(&buf);
    assert_false(buf.overflow);
    buf_add_cstr(&buf, "abcde");
    assert_true(buf.overflow);
    buf_add_char(&buf, 'a'); /* would fit, but comes after the one that did not */
    assert_int_equal(buf.len, 0);
    assert_null(buf_reserve(&buf, 1));
    buf_done(&buf);
}

static void test_no_size_wraps_around(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 10);
    buf_add_char(&buf, 'a');
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.overflow);
    buf_reset(&buf);
    buf_add_char(&buf, 'a');
    assert_null(buf_reserve(&buf, SIZE_MAX - 1));
    assert_true(buf.overflow);
    buf_done(&buf);
}

static void test_printf_at_the_bound(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 6);
    buf_printf(&buf, "%s", "12345");
    assert_false(buf.overflow);
    assert_true(slice_eq(buf_slice(&buf), SLICE("12345")));
    buf_printf(&buf, "%s", "67");
    assert_true(buf.overflow);
    assert_true(slice_eq(buf_slice(&buf), SLICE("12345")));
    buf_done(&buf);
}

static void test_drop_front(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    buf_drop_front(&buf, 0);
    buf_add_cstr(&buf, "abcdef");
    buf_drop_front(&buf, 2);
    assert_true(slice_eq(buf_slice(&buf), SLICE("cdef")));
    buf_add_char(&buf, 'g');
    buf_drop_front(&buf, 5);
    assert_int_equal(buf.len, 0);
    buf_done(&buf);
}

static void test_copies(void **state)
{
    char *copy = xslicedup(SLICE("a\0b"));
    char *empty = xslicedup(SLICE_NULL);
    char *text = xstrdup("text");
    unsigned char *zeroes = xcalloc(0, 8);
    char *none = xmalloc(0);

    (void)state;
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(empty, "");
    assert_string_equal(text, "text");
    assert_non_null(zeroes);
    assert_non_null(none);
    free(copy);
    free(empty);
    free(text);
    free(zeroes);
    free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_additions_add_up),
        cmocka_unit_test(test_overflow_sticks_and_keeps_what_there_was),
        cmocka_unit_test(test_no_size_wraps_around),
        cmocka_unit_test(test_printf_at_the_bound),
        cmocka_unit_test(test_drop_front),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
