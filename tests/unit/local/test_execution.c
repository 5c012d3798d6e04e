#include "local/execution.h"

#include "base/clock.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#define SCRIPT_TEXT SLICE("Subject: hi\r\n\r\nbody\r\n")

struct end {
    struct loop *loop;
    bool came;
    struct msg_ran ran;
    char text[4096];
};

static void on_end(void *arg, struct execution *execution, const struct msg_ran *ran)
{
    struct end *end = arg;

    end->came = true;
    end->ran = *ran;
    snprintf(end->text, sizeof(end->text), "%.*s", SLICE_ARG(ran->text));
    execution_free(execution);
    loop_stop(end->loop);
}

/* Tests may run as root: then the programs run as nobody. */
static struct spawn_user runner(void)
{
    struct spawn_user user;
    struct buf why;

    buf_init(&why, 512);
    assert_true(spawn_find_user(geteuid() == 0 ? SLICE("nobody") : SLICE_NULL, &user, &why));
    buf_done(&why);
    return user;
}

static struct end run_vector(const struct slice *argv, size_t argc, struct slice text,
                             uint64_t timeout_ms)
{
    struct end end = {.loop = loop_new()};
    struct spawn_user user = runner();
    const struct msg_run run = {.request = 77,
                                .text_offset = TEXT_FILE_OFFSET,
                                .text_length = text.len,
                                .sender = SLICE("from@example.net"),
                                .recipient = SLICE("$(id) `id`@example.org"),
                                .message_id = 12345};
    const struct execution_options options = {.loop = end.loop,
                                              .argv = argv,
                                              .argc = argc,
                                              .user = &user,
                                              .timeout_ms = timeout_ms,
                                              .run = &run,
                                              .text_fd = text_file(text),
                                              .on_end = on_end,
                                              .arg = &end};
    struct execution *execution;

    assert_int_equal(execution_start(&options, &execution), 0);
    assert_int_equal(loop_run(end.loop), 0);
    assert_true(end.came);
    assert_true(end.ran.request == 77);
    assert_true(end.ran.started);
    loop_free(end.loop);
    return end;
}

static struct end run_script(const char *script, struct slice text, uint64_t timeout_ms)
{
    const struct slice argv[] = {SLICE("/bin/sh"), SLICE("-c"), slice_from_cstr(script)};

    return run_vector(argv, 3, text, timeout_ms);
}

static void test_status_and_first_words_come_back(void **state)
{
    struct end end =
        run_script("echo; echo one >&2; echo two >&2; echo out; exit 67", SCRIPT_TEXT, 20000);

    (void)state;
    assert_int_equal(end.ran.status, 67);
    assert_string_equal(end.text, "one");
    end = run_script("echo out", SCRIPT_TEXT, 20000);
    assert_int_equal(end.ran.status, 0);
    assert_string_equal(end.text, "out");
    end = run_script("kill -SEGV $$", SCRIPT_TEXT, 20000);
    assert_int_equal(end.ran.status, 256 + SIGSEGV);
}

static void test_the_message_comes_with_its_trace_and_lf(void **state)
{
    struct end end = run_script("cat >/dev/null; exit 1", SCRIPT_TEXT, 20000);

    (void)state;
    assert_int_equal(end.ran.status, 1);
    end = run_script("tr '\\n' '|'", SCRIPT_TEXT, 20000);
    assert_string_equal(end.text,
                        "Return-Path: <from@example.net>|Delivered-To: $(id) `id`@example.org|"
                        "Subject: hi||body|");
}

static void test_a_large_text_passes_whole(void **state)
{
    struct buf text;
    struct end end;

    (void)state;
    buf_init(&text, 4 * 1024 * 1024);
    while (text.len < 3 * 1024 * 1024)
        buf_add_cstr(&text, "0123456789\r\n");
    end = run_script("grep -c '^0123456789$'", buf_slice(&text), 60000);
    assert_int_equal(strtol(end.text, NULL, 10), text.len / 12);
    /* Nor does a program that stops reading hold anything up. */
    end = run_script("head -c 10 >/dev/null; echo done", buf_slice(&text), 60000);
    assert_int_equal(end.ran.status, 0);
    assert_string_equal(end.text, "done");
    buf_done(&text);
}

static void test_the_environment_is_clean(void **state)
{
    struct end end;

    (void)state;
    setenv("SECRET", "1", 1);
    end = run_script(
        "env | sed -n 's/=.*//p' | grep -v -e '^_$' -e SHLVL -e PWD | sort | tr '\\n' ' '",
        SCRIPT_TEXT, 20000);
    assert_string_equal(end.text, "HOME LOGNAME MESSAGE_ID PATH RECIPIENT SENDER USER");
    end = run_script("printf %s \"$SENDER $RECIPIENT $MESSAGE_ID $(pwd)\"", SCRIPT_TEXT, 20000);
    assert_non_null(strstr(end.text, "from@example.net $(id) `id`@example.org "));
    assert_non_null(strstr(end.text, message_id_format(12345).text));
    assert_string_equal(end.text + strlen(end.text) - 2, " /");
}

static void test_arguments_are_the_configured_ones(void **state)
{
    const struct slice argv[] = {SLICE("/usr/bin/printf"), SLICE("%s|"), SLICE("a b"),
                                 SLICE("$SENDER")};
    struct end end = run_vector(argv, 4, SCRIPT_TEXT, 20000);

    (void)state;
    assert_string_equal(end.text, "a b|$SENDER|");
}

static void test_privileges_are_gone(void **state)
{
    struct end end =
        run_script("grep -e NoNewPrivs -e '^Uid' -e '^Gid' -e '^Groups' /proc/self/status"
                   " | tr '\\n\\t' '  '",
                   SCRIPT_TEXT, 20000);
    struct spawn_user user = runner();
    char want[64];

    (void)state;
    snprintf(want, sizeof(want), "Uid: %u %u %u %u ", user.uid, user.uid, user.uid, user.uid);
    assert_non_null(strstr(end.text, want));
    assert_non_null(strstr(end.text, "NoNewPrivs: 1"));
    if (geteuid() == 0) {
        snprintf(want, sizeof(want), "Groups: %u ", user.gid);
        assert_non_null(strstr(end.text, want));
    }
    /* Standard input, output, error, and the directory that ls itself reads. */
    end = run_script("ls /proc/self/fd | tr '\\n' ' '", SCRIPT_TEXT, 20000);
    assert_string_equal(end.text, "0 1 2 3");
}

static void test_time_is_limited(void **state)
{
    uint64_t start = clock_mono_ms();
    struct end end = run_script("echo begun >&2; sleep 100", SCRIPT_TEXT, 300);

    (void)state;
    assert_true(end.ran.timed_out);
    assert_int_equal(end.ran.status, 256 + SIGTERM);
    assert_string_equal(end.text, "begun");
    assert_in_range(clock_mono_ms() - start, 250, 4000);
}

static void test_who_ignores_the_first_signal_gets_the_second(void **state)
{
    uint64_t start = clock_mono_ms();
    struct end end = run_script("trap '' TERM; while :; do sleep 1; done", SCRIPT_TEXT, 200);

    (void)state;
    assert_true(end.ran.timed_out);
    assert_int_equal(end.ran.status, 256 + SIGKILL);
    assert_in_range(clock_mono_ms() - start, 5000, 9000);
}

static void test_output_without_end_is_bounded(void **state)
{
    struct end end = run_script("head -c 10000000 /dev/zero | tr '\\0' x >&2", SCRIPT_TEXT, 60000);

    (void)state;
    assert_int_equal(end.ran.status, 0);
    assert_int_equal(strlen(end.text), 4095);
}

static void test_a_missing_program_is_to_be_tried_later(void **state)
{
    const struct slice argv[] = {SLICE("/nowhere/program")};
    struct end end = run_vector(argv, 1, SCRIPT_TEXT, 20000);

    (void)state;
    assert_int_equal(end.ran.status, 75);
    assert_string_equal(end.text, "/nowhere/program: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_and_first_words_come_back),
        cmocka_unit_test(test_the_message_comes_with_its_trace_and_lf),
        cmocka_unit_test(test_a_large_text_passes_whole),
        cmocka_unit_test(test_the_environment_is_clean),
        cmocka_unit_test(test_arguments_are_the_configured_ones),
        cmocka_unit_test(test_privileges_are_gone),
        cmocka_unit_test(test_time_is_limited),
        cmocka_unit_test(test_who_ignores_the_first_signal_gets_the_second),
        cmocka_unit_test(test_output_without_end_is_bounded),
        cmocka_unit_test(test_a_missing_program_is_to_be_tried_later),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
