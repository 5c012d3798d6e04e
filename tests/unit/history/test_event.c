#include "history/event.h"

#include "../cmocka_all.h"

#include <errno.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TIME     "2026-11-22T10:02:11.123Z"

static int read_line(const char *line, struct arena *arena, struct event *ret_event)
{
    return event_read(slice_from_cstr(line), arena, ret_event);
}

static void test_lines_of_every_form_mean_the_same(void **state)
{
    static const char *const lines[] = {
        TIME " info receive accepted listener=mx session=7f3a to=joe@x.org text=\"a \\\"b\\\" "
             "\\x0d\" size=12",
        "Nov 22 10:02:11 mx nuncio[812]: " TIME " info receive accepted listener=mx session=7f3a "
        "to=joe@x.org text=\"a \\\"b\\\" \\x0d\" size=12\n",
        "2026-11-22T10:02:12.000Z mx nuncio[812]: " TIME " info receive accepted listener=mx "
        "session=7f3a to=joe@x.org text=\"a \\\"b\\\" \\x0d\" size=12",
        "{\"time\":\"" TIME "\",\"level\":\"info\",\"role\":\"receive\",\"event\":\"accepted\","
        "\"listener\":\"mx\",\"session\":\"7f3a\",\"to\":\"joe@x.org\",\"text\":\"a \\\"b\\\" "
        "\\u000d\",\"size\":12}",
        "Nov 22 10:02:11 mx nuncio[812]: {\"time\":\"" TIME "\",\"level\":\"info\","
        "\"role\":\"receive\",\"event\":\"accepted\",\"listener\":\"mx\",\"session\":\"7f3a\","
        "\"to\":\"joe@x.org\",\"text\":\"a \\\"b\\\" \\u000d\",\"size\":12}",
        "{\"_PID\":\"812\",\"MESSAGE\":\"" TIME " info receive accepted listener=mx session=7f3a "
        "to=joe@x.org text=\\\"a \\\\\\\"b\\\\\\\" \\\\x0d\\\" size=12\"}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct arena arena;
        struct event event;

        arena_init(&arena);
        if (read_line(lines[i], &arena, &event) < 0)
            fail_msg("%zu is not understood", i);
        assert_int_equal(event.time_ms, 1795341731123);
        assert_int_equal(event.level, LOG_INFO);
        assert_true(slice_eq(event.role, SLICE("receive")));
        assert_true(slice_eq(event.name, SLICE("accepted")));
        assert_int_equal(event.n_fields, 5);
        assert_true(slice_eq(event_field(&event, "text"), SLICE("a \"b\" \r")));
        assert_int_equal(event_number(&event, "size"), 12);
        if (!slice_eq(event.text, SLICE("listener=mx session=7f3a to=joe@x.org "
                                        "text=\"a \\\"b\\\" \\x0d\" size=12")))
            fail_msg("%zu: %.*s", i, SLICE_ARG(event.text));
        arena_done(&arena);
    }
}

static void test_what_is_no_line_of_ours(void **state)
{
    static const char *const lines[] = {
        "",
        "hello",
        TIME,
        TIME " loud receive accepted a=b",
        TIME " info receive accepted a",
        TIME " info receive accepted =b",
        TIME " info receive accepted a=\"open",
        TIME " info receive accepted a=\"x\\q\"",
        TIME " info receive accepted a=\"x\"y",
        TIME " info receive",
        "2026-13-22T10:02:11.123Z info receive accepted a=b",
        "2026-11-22 10:02:11.123Z info receive accepted a=b",
        "{\"time\":\"yesterday\",\"level\":\"info\",\"role\":\"r\",\"event\":\"e\"}",
        "{\"time\":\"" TIME "\",\"level\":\"info\",\"role\":\"r\"}",
        "{\"MESSAGE\":\"{\\\"MESSAGE\\\":\\\"x\\\"}\"}",
        "[1]",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct arena arena;
        struct event event;

        arena_init(&arena);
        if (read_line(lines[i], &arena, &event) != -EBADMSG)
            fail_msg("%zu is understood", i);
        arena_done(&arena);
    }
}

static void test_what_the_log_writes_is_read_back(void **state)
{
    const char bytes[] = "\0\x01\"\\ =\xff\xc3\xb6\x7f,;";
    const struct log_field fields[] = {LOG_SLICE("all", slice_from(bytes, sizeof(bytes) - 1)),
                                       LOG_STR("empty", ""), LOG_INT("n", -5)};
    struct arena arena;
    struct event event;
    struct buf line;

    (void)state;
    arena_init(&arena);
    buf_init(&line, 10000);
    buf_add_cstr(&line, TIME " ");
    log_format_line(&line, LOG_LOGFMT, LOG_ERROR, "queue", NULL, "odd", fields, COUNT(fields));
    assert_int_equal(event_read(buf_slice(&line), &arena, &event), 0);
    assert_true(slice_eq(event_field(&event, "all"), slice_from(bytes, sizeof(bytes) - 1)));
    assert_false(event_has(&event, "empty"));
    assert_true(slice_eq(event_field(&event, "n"), SLICE("-5")));
    assert_int_equal(event.level, LOG_ERROR);
    buf_done(&line);
    arena_done(&arena);
}

static void test_time_there_and_back(void **state)
{
    char text[EVENT_TIME_MAX];
    uint64_t ms;

    (void)state;
    event_write_time(text, sizeof(text), 1795341731123);
    assert_string_equal(text, TIME);
    assert_true(event_read_time(slice_from_cstr(text), &ms));
    assert_int_equal(ms, 1795341731123);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_every_form_mean_the_same),
        cmocka_unit_test(test_what_is_no_line_of_ours),
        cmocka_unit_test(test_what_the_log_writes_is_read_back),
        cmocka_unit_test(test_time_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
