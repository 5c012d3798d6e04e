#include "smtp/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_written(struct smtp_reply reply, const char *want)
{
    struct buf out;

    buf_init(&out, 4096);
    smtp_reply_write(&out, &reply);
    buf_add_char(&out, '\0');
    assert_string_equal(out.ptr, want);
    buf_done(&out);
}

static void test_every_line_has_code_and_status(void **state)
{
    (void)state;
    assert_written(SMTP_REPLY(250, 2, 1, 0, "Ok"), "250 2.1.0 Ok\r\n");
    assert_written(SMTP_REPLY(354, 0, 0, 0, "go on"), "354 go on\r\n");
    assert_written(SMTP_REPLY(250, 0, 0, 0, "a\nb\nc"), "250-a\r\n250-b\r\n250 c\r\n");
    assert_written(SMTP_REPLY(214, 2, 0, 0, "a\nb"), "214-2.0.0 a\r\n214 2.0.0 b\r\n");
    assert_written((struct smtp_reply){.code = 250}, "250 \r\n");
    assert_written(SMTP_REPLY_NONE, "");
}

static void test_a_stranger_cannot_break_a_reply(void **state)
{
    struct arena arena;
    char long_text[600];
    struct buf out;
    struct smtp_reply reply;

    (void)state;
    arena_init(&arena);
    assert_written(
        smtp_reply_format(&arena, 550, STATUS(5, 1, 1), "<%.*s>", SLICE_ARG(SLICE("a\rb\x7f\0c"))),
        "550 5.1.1 <a?b?>\r\n");
    memset(long_text, 'x', sizeof(long_text));
    reply = smtp_reply_format(&arena, 550, STATUS(5, 1, 1), "%.600s", long_text);
    buf_init(&out, 4096);
    smtp_reply_write(&out, &reply);
    assert_true(out.len <= 512);
    buf_done(&out);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_has_code_and_status),
        cmocka_unit_test(test_a_stranger_cannot_break_a_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
