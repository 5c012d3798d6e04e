#include "control/sendmail_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <getopt.h>
#include <sysexits.h>

static int parse(const char *line, struct sendmail_options *options, int *ret_first)
{
    static char copy[512], *argv[32];
    struct slice rest;
    int argc = 0, code;

    snprintf(copy, sizeof(copy), "%s", line);
    rest = slice_from_cstr(copy);
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        argv[argc++] = copy + (word.ptr - copy);
        argv[argc - 1][word.len] = '\0';
    }
    argv[argc] = NULL;
    opterr = 0;
    code = sendmail_options_parse(argc, argv, options);
    *ret_first = optind;
    return code;
}

static void test_lines_that_programs_really_use(void **state)
{
    static const struct {
        const char *line;
        enum sendmail_mode mode;
        bool dots, from_header;
        int first;
    } cases[] = {
        {"sendmail joe@x", SENDMAIL_DELIVER, true, false, 1},
        {"sendmail -t -i", SENDMAIL_DELIVER, false, true, 3},
        {"sendmail -oi -t", SENDMAIL_DELIVER, false, true, 3},
        {"sendmail -ti -fann@x", SENDMAIL_DELIVER, false, true, 3},
        {"sendmail -oem -oi -f ann@x -- joe@x", SENDMAIL_DELIVER, false, false, 6},
        {"sendmail -FCronDaemon -odi -oem root", SENDMAIL_DELIVER, true, false, 4},
        {"sendmail -FCronDaemon -i -B8BITMIME -oem root", SENDMAIL_DELIVER, false, false, 5},
        {"sendmail -G -i -U -v -n -m joe@x", SENDMAIL_DELIVER, false, false, 7},
        {"sendmail -bm -O DeliveryMode=b -h 3 -L tag -X log joe@x", SENDMAIL_DELIVER, true, false,
         10},
        {"sendmail -bs", SENDMAIL_SMTP, true, false, 2},
        {"sendmail -bv joe@x", SENDMAIL_VERIFY, true, false, 2},
        {"sendmail -bp", SENDMAIL_LIST, true, false, 2},
        {"sendmail -bi", SENDMAIL_NOTHING, true, false, 2},
        {"sendmail -q", SENDMAIL_NOTHING, true, false, 2},
        {"sendmail -q30m", SENDMAIL_NOTHING, true, false, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sendmail_options options;
        int first;
        assert_int_equal(parse(cases[i].line, &options, &first), 0);
        assert_int_equal(options.mode, cases[i].mode);
        assert_int_equal(options.dots, cases[i].dots);
        assert_int_equal(options.from_header, cases[i].from_header);
        assert_int_equal(first, cases[i].first);
    }
}

static void test_values(void **state)
{
    struct sendmail_options options;
    int first;

    (void)state;
    assert_int_equal(
        parse("sendmail -N success,Delay -R hdrs -V id1 -F Ann -r a@x -C f j@x", &options, &first),
        0);
    assert_int_equal(options.notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
    assert_int_equal(options.ret, RET_HDRS);
    assert_string_equal(options.envid, "id1");
    assert_string_equal(options.full_name, "Ann");
    assert_string_equal(options.sender, "a@x");
    assert_string_equal(options.config, "f");
}

/* What a program puts behind an address must not be able to turn into an option. */
static void test_options_end_at_the_first_recipient(void **state)
{
    struct sendmail_options options;
    int first;

    (void)state;
    assert_int_equal(parse("sendmail joe@x -C evil -t", &options, &first), 0);
    assert_int_equal(first, 1);
    assert_null(options.config);
    assert_false(options.from_header);
}

static void test_mistakes(void **state)
{
    static const char *const lines[] = {
        "sendmail -bd",      "sendmail -bt",    "sendmail -N never,delay",
        "sendmail -N often", "sendmail -R all", "sendmail -Z",
        "sendmail -f"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct sendmail_options options;
        int first;
        assert_int_equal(parse(lines[i], &options, &first), EX_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_that_programs_really_use),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_options_end_at_the_first_recipient),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
