/* The mail about refusals that do not go away by themselves. */
#include "queue/advice.h"
#include "queue/lane_memory.h"
#include "queue/postmaster_mail.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct postmaster_mail mail = {.hostname = SLICE_INIT("mx.example.org"),
                                            .to = SLICE_INIT("admin@example.org"),
                                            .message_id = SLICE_INIT("<0@mx.example.org>"),
                                            .now_ms = 1795341600000};

static bool build(struct buf *text, enum answer_class class)
{
    struct refusal refusal = {.class = class,
                              .remote = SLICE("mx.far.test[192.0.2.9]:25"),
                              .words = SLICE("550 5.7.1 no\x01PTR record"),
                              .source = SLICE("198.51.100.7"),
                              .suspended = class == ANSWER_BLOCKLISTED};
    bool any;

    buf_init(text, 16 * 1024);
    any = advice_build(text, &mail, &refusal);
    assert_false(text->overflow);
    buf_add_char(text, '\0');
    return any;
}

static void test_it_names_who_what_and_the_remedy(void **state)
{
    static const char *const lines[] = {
        "To: admin@example.org\r\n",
        "Subject: Mail is refused because our address has no name\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "mx.far.test[192.0.2.9]:25\r\nrefused mail from our address 198.51.100.7. Its "
        "words:\r\n\r\n"
        "    550 5.7.1 no?PTR record\r\n",
        "PTR record",
        "    nuncio dns\r\n",
    };
    struct buf text;

    (void)state;
    assert_true(build(&text, ANSWER_REVERSE_DNS));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (!strstr(text.ptr, lines[i]))
            fail_msg("\"%s\" is not in:\n%s", lines[i], text.ptr);
    }
    buf_done(&text);
}

/* Lines stay short, and there is one text for each class that an administrator can do something
 * about; of the others he hears nothing. */
static void test_which_classes_have_a_text(void **state)
{
    static const bool expect[ANSWER_CLASSES] = {[ANSWER_BLOCKLISTED] = true,
                                                [ANSWER_REPUTATION] = true,
                                                [ANSWER_AUTHENTICATION] = true,
                                                [ANSWER_REVERSE_DNS] = true,
                                                [ANSWER_HELO] = true};

    (void)state;
    for (unsigned class = 0; class < ANSWER_CLASSES; class ++) {
        struct buf text;
        struct slice rest;
        assert_int_equal(build(&text, (enum answer_class) class), expect[class]);
        rest = buf_slice(&text);
        while (rest.len) {
            struct slice line = slice_cut(&rest, '\n');
            assert_true(line.len <= 84);
        }
        buf_done(&text);
    }
}

static void test_a_lane_remembers_sources(void **state)
{
    struct lane_memory memory = {0};
    char address[32];

    (void)state;
    assert_false(lane_memory_is_suspended(NULL, SLICE("192.0.2.1"), 0));
    lane_memory_suspend(&memory, SLICE("192.0.2.1"), 1000);
    assert_true(lane_memory_is_suspended(&memory, SLICE("192.0.2.1"), 999));
    assert_false(lane_memory_is_suspended(&memory, SLICE("192.0.2.1"), 1000));
    assert_false(lane_memory_is_suspended(&memory, SLICE("192.0.2.2"), 0));
    for (unsigned i = 0; i < 2 * LANE_SOURCES_MAX; i++) {
        snprintf(address, sizeof(address), "198.51.100.%u", i);
        lane_memory_suspend(&memory, slice_from_cstr(address), 2000 + i);
    }
    assert_int_equal(memory.n_sources, LANE_SOURCES_MAX);
    assert_true(lane_memory_is_suspended(&memory, slice_from_cstr(address), 1999));
    assert_false(lane_memory_is_suspended(&memory, SLICE("192.0.2.1"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_names_who_what_and_the_remedy),
        cmocka_unit_test(test_which_classes_have_a_text),
        cmocka_unit_test(test_a_lane_remembers_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
