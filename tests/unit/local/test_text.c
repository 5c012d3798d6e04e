#include "local/text.h"

#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

static void test_only_crlf_becomes_lf(void **state)
{
    static const struct {
        struct slice from, to;
        uint64_t lines;
    } cases[] = {
        {SLICE_INIT(""), SLICE_INIT(""), 0},
        {SLICE_INIT("a"), SLICE_INIT("a"), 0},
        {SLICE_INIT("\r\n"), SLICE_INIT("\n"), 1},
        {SLICE_INIT("a\r\nb\r\n"), SLICE_INIT("a\nb\n"), 2},
        {SLICE_INIT("a\r\n\r\n\r\nb"), SLICE_INIT("a\n\n\nb"), 3},
        {SLICE_INIT("a\rb\r\n"), SLICE_INIT("a\rb\n"), 1},
        {SLICE_INIT("a\r"), SLICE_INIT("a\r"), 0},
        {SLICE_INIT("a\nb\n"), SLICE_INIT("a\nb\n"), 2},
        {SLICE_INIT("a\r\r\nb\r\n"), SLICE_INIT("a\r\nb\n"), 1},
        {SLICE_INIT("\0\xff\r\n\0"), SLICE_INIT("\0\xff\n\0"), 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[64] = "";
        uint64_t lines = 0;
        size_t len;
        memcpy(bytes, cases[i].from.ptr, cases[i].from.len);
        len = text_to_lf(bytes, cases[i].from.len, &lines);
        assert_true(slice_eq(slice_from(bytes, len), cases[i].to));
        assert_true(lines == cases[i].lines);
    }
}

/* A text of two pieces whose border would fall between CR and LF. */
static void test_a_line_end_is_never_parted(void **state)
{
    struct buf text;
    char *chunk = xmalloc(TEXT_CHUNK);
    struct text_reader reader;
    ssize_t n;

    (void)state;
    buf_init(&text, 2 * TEXT_CHUNK);
    for (int i = 0; i < TEXT_CHUNK - 1; i++)
        buf_add_char(&text, 'x');
    buf_add_cstr(&text, "\r\nend\r\n");
    reader = (struct text_reader){
        .fd = text_file(buf_slice(&text)), .offset = TEXT_FILE_OFFSET, .left = text.len};
    n = text_read(&reader, chunk);
    assert_int_equal(n, TEXT_CHUNK - 1);
    n = text_read(&reader, chunk);
    assert_int_equal(n, 7);
    assert_memory_equal(chunk, "\r\nend\r\n", 7);
    assert_int_equal(text_read(&reader, chunk), 0);
    close(reader.fd);
    buf_done(&text);
    free(chunk);
}

static void test_a_file_that_ends_too_early_is_an_error(void **state)
{
    char *chunk = xmalloc(TEXT_CHUNK);
    struct text_reader reader = {
        .fd = text_file(SLICE("abc")), .offset = TEXT_FILE_OFFSET, .left = 4};

    (void)state;
    assert_int_equal(text_read(&reader, chunk), -ENODATA);
    close(reader.fd);
    free(chunk);
}

static void test_trace_fields_are_one_line_each_whatever_the_address(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    text_add_trace(&out, SLICE("a\r\nEvil: 1@b"), SLICE("joe@x\n"), SLICE("via\x7f@x"));
    assert_true(
        slice_eq(buf_slice(&out), SLICE("Return-Path: <a??Evil: 1@b>\nDelivered-To: joe@x?\n"
                                        "Delivered-To: via?@x\n")));
    buf_done(&out);
}

static void test_delivered_to_is_looked_for_in_the_header_alone(void **state)
{
    static const struct {
        struct slice text;
        bool found;
    } cases[] = {
        {SLICE_INIT("Delivered-To: joe@x\r\n\r\n"), true},
        {SLICE_INIT("A: b\r\ndelivered-to:JOE@X  \r\n\r\n"), true},
        {SLICE_INIT("Delivered-To: <joe@x>\r\n\r\n"), true},
        {SLICE_INIT("Delivered-To: ann@x\r\nDelivered-To: joe@x\r\n\r\n"), true},
        {SLICE_INIT("Delivered-To: joe@x"), true},
        {SLICE_INIT("Delivered-To: joe@xy\r\n\r\n"), false},
        {SLICE_INIT("X-Delivered-To: joe@x\r\n\r\n"), false},
        {SLICE_INIT("A: b\r\n\r\nDelivered-To: joe@x\r\n"), false},
        {SLICE_INIT("\r\nDelivered-To: joe@x\r\n"), false},
        {SLICE_INIT(""), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(text_was_delivered_to(cases[i].text, SLICE("joe@x")), cases[i].found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_crlf_becomes_lf),
        cmocka_unit_test(test_a_line_end_is_never_parted),
        cmocka_unit_test(test_a_file_that_ends_too_early_is_an_error),
        cmocka_unit_test(test_trace_fields_are_one_line_each_whatever_the_address),
        cmocka_unit_test(test_delivered_to_is_looked_for_in_the_header_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
