/*
 * Dialogues with sendmail -bs over pipes; each message that is taken lies in the maildrop.
 */
#include "control/sendmail_session.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], maildrop[80];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/nuncio-drop-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(maildrop, sizeof(maildrop), "%s/maildrop", folder);
    assert_int_equal(mkdir(maildrop, 0700), 0);
    return 0;
}

/* Empties the maildrop. */
static unsigned count_and_remove(void)
{
    DIR *dir = opendir(maildrop);
    struct dirent *entry;
    unsigned n = 0;

    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
        n++;
    }
    closedir(dir);
    return n;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(rmdir(maildrop), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

/* Says all of it at once, then the end of the input; the codes of the answers, first line each. */
static void talk(const char *input, const char *want_codes, unsigned want_messages)
{
    const struct submission_site site = {.hostname = SLICE("mx.example.org"),
                                         .domain = SLICE("example.org"),
                                         .state = slice_from_cstr(folder),
                                         .user = SLICE("ann"),
                                         .message_size = 1000,
                                         .recipients = 2,
                                         .header_size = 500};
    int in[2], out[2];
    char output[8192], codes[256] = "";
    struct slice rest;
    ssize_t n;

    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
    close(in[1]);
    assert_int_equal(sendmail_session_run(&site, in[0], out[1]), 0);
    close(out[1]);
    n = read(out[0], output, sizeof(output));
    assert_true(n > 0);
    rest = slice_from(output, (size_t)n);
    while (rest.ptr && rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len > 3 && line.ptr[3] == ' ')
            snprintf(codes + strlen(codes), sizeof(codes) - strlen(codes), "%.3s ", line.ptr);
    }
    assert_string_equal(codes, want_codes);
    assert_int_equal(count_and_remove(), want_messages);
    close(in[0]);
    close(out[0]);
}

static void test_a_message_is_taken(void **state)
{
    (void)state;
    talk("EHLO me\r\nMAIL FROM:<a@x.test> BODY=8BITMIME\r\nRCPT TO:<b@x.test>\r\nDATA\r\n"
         "Subject: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
         "220 250 250 250 354 250 221 ", 1);
}

static void test_lines_may_end_in_lf_and_two_messages_follow_each_other(void **state)
{
    (void)state;
    talk("HELO me\nMAIL FROM:<>\nRCPT TO:<b@x.test>\nRSET\nMAIL FROM:<a@x.test>\n"
         "RCPT TO:<b@x.test>\nDATA\r\nx\r\n.\r\nMAIL FROM:<a@x.test>\nRCPT TO:<c@x.test>\n"
         "DATA\r\ny\r\n.\r\nQUIT\n",
         "220 250 250 250 250 250 250 354 250 250 250 354 250 221 ", 2);
}

static void test_order_and_limits(void **state)
{
    (void)state;
    talk("RCPT TO:<b@x.test>\r\nDATA\r\nMAIL FROM:<a@x.test> SIZE=1001\r\nMAIL FROM:<a@x.test>\r\n"
         "DATA\r\nRCPT TO:<b@x.test>\r\nRCPT TO:<c@x.test>\r\nRCPT TO:<d@x.test>\r\n"
         "RCPT TO:<bad\r\nNONSENSE\r\nVRFY joe\r\nNOOP\r\nQUIT\r\n",
         "220 503 503 552 250 503 250 250 452 501 502 252 250 221 ", 0);
}

static void test_half_a_message_is_none(void **state)
{
    (void)state;
    talk("HELO me\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\nhalf\r\n.",
         "220 250 250 250 354 421 ", 0);
}

int main(void)
{
#define WITH_DROP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_DROP(test_a_message_is_taken),
        WITH_DROP(test_lines_may_end_in_lf_and_two_messages_follow_each_other),
        WITH_DROP(test_order_and_limits),
        WITH_DROP(test_half_a_message_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
