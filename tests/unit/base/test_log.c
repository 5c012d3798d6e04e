#include "base/log.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_values_in_both_formats(void **state)
{
    static const struct {
        struct slice value;
        const char *logfmt;
        const char *json;
    } cases[] = {
        {SLICE_INIT("plain"), "plain", "\"plain\""},
        {SLICE_INIT(""), "\"\"", "\"\""},
        {SLICE_INIT("<joe@example.org>"), "<joe@example.org>", "\"<joe@example.org>\""},
        {SLICE_INIT("two words"), "\"two words\"", "\"two words\""},
        {SLICE_INIT("a=b"), "\"a=b\"", "\"a=b\""},
        {SLICE_INIT("say \"hi\" \\"), "\"say \\\"hi\\\" \\\\\"", "\"say \\\"hi\\\" \\\\\""},
        {SLICE_INIT("x\r\nerror y"), "\"x\\x0d\\x0aerror y\"", "\"x\\u000d\\u000aerror y\""},
        {SLICE_INIT("\0\033[2J\x7f"), "\"\\x00\\x1b[2J\\x7f\"", "\"\\u0000\\u001b[2J\\u007f\""},
        {SLICE_INIT("J\xc3\xb6rg"), "\"J\xc3\xb6rg\"", "\"J\xc3\xb6rg\""},
        {SLICE_INIT("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
        {SLICE_INIT("\xff\xc3"), "\"\\xff\\xc3\"", "\"\\u00ff\\u00c3\""},
        {SLICE_INIT("\xc0\x80"), "\"\\xc0\\x80\"", "\"\\u00c0\\u0080\""},
        {SLICE_INIT("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"", "\"\\u00ed\\u00a0\\u0080\""},
        {SLICE_INIT("\xf4\x90\x80\x80"), "\"\\xf4\\x90\\x80\\x80\"",
         "\"\\u00f4\\u0090\\u0080\\u0080\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct log_field field = LOG_SLICE("k", cases[i].value);
        struct buf out;
        struct buf want;

        buf_init(&out, 1000);
        buf_init(&want, 1000);
        log_format_line(&out, LOG_LOGFMT, LOG_INFO, "r", NULL, "e", &field, 1);
        buf_printf(&want, "info r e k=%s", cases[i].logfmt);
        if (!slice_eq(buf_slice(&out), buf_slice(&want)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
        buf_reset(&out);
        buf_reset(&want);
        log_format_line(&out, LOG_JSON, LOG_INFO, "r", NULL, "e", &field, 1);
        buf_printf(&want,
                   "{\"time\":\"\",\"level\":\"info\",\"role\":\"r\",\"event\":\"e\",\"k\":%s}",
                   cases[i].json);
        if (!slice_eq(buf_slice(&out), buf_slice(&want)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
        buf_done(&out);
        buf_done(&want);
    }
}

static void test_context_comes_first_and_outermost_first(void **state)
{
    const struct log_context service = {.field = LOG_STR("service", "mx")};
    const struct log_context nothing = {.parent = &service};
    const struct log_context session = {.parent = &nothing, .field = LOG_STR("session", "7f3a")};
    const struct log_field fields[] = {LOG_INT("code", -5), LOG_STR("none", NULL)};
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    log_format_line(&out, LOG_LOGFMT, LOG_WARN, "receive", &session, "rcpt", fields, 2);
    assert_true(slice_eq(buf_slice(&out),
                         SLICE("warn receive rcpt service=mx session=7f3a code=-5 none=\"\"")));
    buf_done(&out);
}

/* What log_write() leaves in a pipe. */
static size_t written(int fd, char *text, size_t size)
{
    ssize_t n = read(fd, text, size - 1);

    assert_true(n >= 0 || errno == EAGAIN);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static void test_levels_and_long_lines(void **state)
{
    static char text[65536];
    struct buf big;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    clock_fake(1795341600123, 0);
    log_setup("test", LOG_INFO, LOG_LOGFMT, fds[1]);
    assert_false(log_enabled(LOG_DEBUG));
    log_debug(NULL, "unseen", LOG_INT("n", 1));
    assert_int_equal(written(fds[0], text, sizeof(text)), 0);
    errno = ENOENT;
    log_info(NULL, "seen", LOG_INT("n", 1));
    assert_int_equal(errno, ENOENT);
    written(fds[0], text, sizeof(text));
    assert_string_equal(text, "2026-11-22T10:00:00.123Z info test seen n=1\n");

    buf_init(&big, 20000);
    for (int i = 0; i < 20000; i++)
        buf_add_char(&big, 'a');
    log_error(NULL, "big", LOG_STR("message", "1"), LOG_SLICE("text", buf_slice(&big)));
    written(fds[0], text, sizeof(text));
    assert_memory_equal(text, "2026-11-22T10:00:00.123Z error test big message=1 text=aaa", 56);
    assert_string_equal(strstr(text, " cut="), " cut=\"line too long\"\n");
    assert_in_range(strlen(text), 100, 400);

    log_set_level(LOG_DEBUG, LOG_JSON);
    log_debug(NULL, "now", LOG_ERRNO(-ENOENT));
    written(fds[0], text, sizeof(text));
    assert_string_equal(text, "{\"time\":\"2026-11-22T10:00:00.123Z\",\"level\":\"debug\","
                              "\"role\":\"test\",\"event\":\"now\","
                              "\"error\":\"No such file or directory\"}\n");
    log_setup("test", LOG_INFO, LOG_LOGFMT, STDERR_FILENO);
    clock_unfake();
    buf_done(&big);
    close(fds[0]);
    close(fds[1]);
}

static void test_errors_have_texts(void **state)
{
    (void)state;
    assert_string_equal(log_strerror(EACCES), "Permission denied");
    assert_string_equal(log_strerror(-EACCES), "Permission denied");
    assert_string_equal(log_strerror(99999), "unknown error");
}

static struct buf tapped;

static void on_tap(struct slice line)
{
    buf_add_slice(&tapped, slice_skip(line, sizeof("2026-11-22T10:00:00.123Z")));
    buf_add_char(&tapped, '\n');
}

static void test_the_tap_gets_what_the_log_leaves_out(void **state)
{
    int fd = open("/dev/null", O_WRONLY);

    (void)state;
    buf_init(&tapped, 1000);
    log_setup("test", LOG_ERROR, LOG_JSON, fd);
    assert_false(log_enabled(LOG_INFO));
    log_set_tap(on_tap);
    assert_true(log_enabled(LOG_INFO));
    assert_false(log_enabled(LOG_DEBUG));
    log_debug(NULL, "left-out", LOG_INT("n", 1));
    log_info(NULL, "one", LOG_STR("a", "b c"));
    log_error(NULL, "two", LOG_INT("n", 2));
    log_set_tap(NULL);
    log_error(NULL, "three", LOG_INT("n", 3));
    log_setup("nuncio", LOG_INFO, LOG_LOGFMT, STDERR_FILENO);
    close(fd);
    assert_true(
        slice_eq(buf_slice(&tapped), SLICE("info test one a=\"b c\"\nerror test two n=2\n")));
    buf_done(&tapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tap_gets_what_the_log_leaves_out),
        cmocka_unit_test(test_values_in_both_formats),
        cmocka_unit_test(test_context_comes_first_and_outermost_first),
        cmocka_unit_test(test_levels_and_long_lines),
        cmocka_unit_test(test_errors_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
