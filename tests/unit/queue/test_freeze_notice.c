#include "../cmocka_all.h"

#include "queue/freeze_notice.h"

#include <string.h>

static struct buf text;

static int set_up(void **state)
{
    (void)state;
    buf_init(&text, 16 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&text);
    return 0;
}

static void build(struct slice account, struct slice why)
{
    const struct freeze_notice notice = {.hostname = SLICE("mx.example.org"),
                                         .to = SLICE("admin@example.org"),
                                         .message_id = SLICE("<0@mx.example.org>"),
                                         .now_ms = 1795341600000,
                                         .account = account,
                                         .why = why,
                                         .since_ms = 1795341000000,
                                         .held = 12};

    freeze_notice_build(&text, &notice);
    assert_false(text.overflow);
    buf_add_char(&text, '\0');
}

static void assert_says(const char *what)
{
    if (!strstr(text.ptr, what))
        fail_msg("\"%s\" is not in:\n%s", what, text.ptr);
}

static void test_it_says_what_happened_and_what_to_do(void **state)
{
    static const char *const lines[] = {
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\n",
        "To: admin@example.org\r\n",
        "Subject: The account joe@example.org is frozen\r\n",
        "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        ("since Sun, 22 Nov 2026 09:50:00 +0000, because:\r\n\r\n    612 recipients in an hour, "
         "the limit is 600\r\n"),
        "12 messages now",
        "    nuncio account thaw joe@example.org\r\n",
        "    nuncio queue release --sender joe@example.org\r\n",
        "    nuncio queue remove --sender joe@example.org\r\n",
    };

    (void)state;
    build(SLICE("joe@example.org"), SLICE("612 recipients in an hour, the limit is 600"));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_says(lines[i]);
}

static void test_every_line_ends_in_crlf_and_is_short(void **state)
{
    size_t length = 0;

    (void)state;
    build(SLICE("joe@example.org"), SLICE("by the administrator"));
    for (size_t i = 0; i + 1 < text.len; i++) {
        assert_true((text.ptr[i] == '\n') == (i > 0 && text.ptr[i - 1] == '\r'));
        length = text.ptr[i] == '\n' ? 0 : length + 1;
        assert_true(length <= 79);
    }
}

static void test_names_cannot_write_header_fields_or_control_terminals(void **state)
{
    (void)state;
    build(SLICE("a\r\nBcc: x@y\x1b[2J"), SLICE("because\r\n.\r\nQUIT"));
    assert_null(strstr(text.ptr, "\nBcc:"));
    assert_null(strstr(text.ptr, "\n.\r\n"));
    assert_null(strchr(text.ptr, '\x1b'));
    assert_says("because??.??QUIT");
}

static void test_names_in_other_scripts_are_said_as_they_are(void **state)
{
    (void)state;
    build(SLICE("jos\xc3\xa9@example.org"), SLICE("x"));
    assert_says("Content-Transfer-Encoding: 8bit\r\n");
    assert_says("The account jos\xc3\xa9@example.org\r\n");
    assert_says("=?utf-8?q?");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_it_says_what_happened_and_what_to_do),
        T(test_every_line_ends_in_crlf_and_is_short),
        T(test_names_cannot_write_header_fields_or_control_terminals),
        T(test_names_in_other_scripts_are_said_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
