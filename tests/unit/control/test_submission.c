/*
 * From what a program hands to sendmail(1) to the file in the maildrop.
 */
#include "control/submission.h"

#include "base/crc32c.h"
#include "control/maildrop.h"
#include "mail/dropfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static char folder[64], maildrop[80];
static struct submission_site site;
static struct submission submission;
static struct buf why;

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/nuncio-drop-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(maildrop, sizeof(maildrop), "%s/maildrop", folder);
    assert_int_equal(mkdir(maildrop, 0700), 0);
    assert_int_equal(chmod(maildrop, 03733), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    site = (struct submission_site){.hostname = SLICE("mx.example.org"),
                                    .domain = SLICE("example.org"),
                                    .state = slice_from_cstr(folder),
                                    .user = SLICE("ann"),
                                    .full_name = SLICE("Ann O'Nym"),
                                    .message_size = 100000,
                                    .recipients = 5,
                                    .header_size = 2000};
    buf_init(&why, 1000);
    submission_init(&submission, &site);
    return 0;
}

/* The only name in the maildrop, empty when there is none. */
static void only_name(char *to, size_t size)
{
    DIR *dir = opendir(maildrop);
    struct dirent *entry;
    unsigned n = 0;

    to[0] = '\0';
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(to, size, "%s/%s", maildrop, entry->d_name);
        n++;
    }
    closedir(dir);
    assert_in_range(n, 0, 1);
}

static int teardown(void **state)
{
    char path[400];

    (void)state;
    submission_done(&submission);
    buf_done(&why);
    only_name(path, sizeof(path));
    if (path[0])
        assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(maildrop), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

/* The file as the server reads it. */
struct drop {
    char bytes[64 * 1024];
    struct arena arena;
    struct envelope envelope;
    struct slice text;
    struct stat st;
};

static void read_drop(struct drop *drop)
{
    struct dropfile_head head;
    struct slice rest;
    char path[400];
    ssize_t n;
    int fd;

    only_name(path, sizeof(path));
    assert_true(dropfile_name_is_good(slice_from_cstr(strrchr(path, '/') + 1)));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &drop->st), 0);
    n = read(fd, drop->bytes, sizeof(drop->bytes));
    close(fd);
    rest = slice_from(drop->bytes, (size_t)n);
    assert_int_equal(dropfile_head_parse(rest, (uint64_t)drop->st.st_size, &head), 0);
    rest = slice_skip(rest, DROPFILE_HEAD_LEN);
    assert_true(crc32c(0, rest.ptr, rest.len) == head.crc);
    arena_init(&drop->arena);
    assert_int_equal(
        envelope_decode(slice_sub(rest, 0, head.envelope_length), &drop->arena, &drop->envelope),
        0);
    drop->text = slice_skip(rest, head.envelope_length);
    assert_int_equal(drop->text.len, head.text_length);
}

static bool contains(struct slice text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static bool starts_with(struct slice text, const char *part)
{
    return text.len >= strlen(part) && memcmp(text.ptr, part, strlen(part)) == 0;
}

static bool ends_with(struct slice text, const char *part)
{
    size_t len = strlen(part);
    return text.len >= len && memcmp(text.ptr + text.len - len, part, len) == 0;
}

static void test_a_bare_text_becomes_a_message(void **state)
{
    static struct drop drop;

    (void)state;
    assert_int_equal(submission_add_recipients(&submission, SLICE("Joe@x.test, root"), &why), 0);
    assert_int_equal(submission_finish(&submission, SLICE("hello\nworld"), false, &why), 0);
    read_drop(&drop);
    assert_int_equal(drop.envelope.n_recipients, 2);
    assert_true(slice_eq(drop.envelope.recipients[0].address, SLICE("Joe@x.test")));
    assert_true(slice_eq(drop.envelope.recipients[1].address, SLICE("root@example.org")));
    assert_true(slice_eq(drop.envelope.reverse_path, SLICE("ann@example.org")));
    assert_true(slice_eq(drop.envelope.listener, SLICE("sendmail")));
    assert_int_equal(drop.envelope.body, BODY_7BIT);
    assert_true(contains(drop.text, "From: \"Ann O'Nym\" <ann@example.org>\r\n"));
    assert_true(starts_with(drop.text, "Date: "));
    assert_true(contains(drop.text, "\r\nMessage-ID: <"));
    assert_true(contains(drop.text, "@mx.example.org>\r\n\r\nhello\r\n"));
    assert_true(ends_with(drop.text, "\r\n\r\nhello\r\nworld\r\n"));
    arena_done(&drop.arena);
}

static void test_what_is_there_keeps_its_bytes_and_bcc_goes(void **state)
{
    static const char text[] = "From ann Sun Nov 22 10:00:00 2026\n"
                               "subject:  odd\tspacing \n"
                               "Bcc: hidden@x.test,\n more@x.test\n"
                               "Return-Path: <forged@x.test>\n"
                               "DATE: Sun, 22 Nov 2026 10:00:00 +0000\n"
                               "From: me@x.test\n"
                               "message-id: <1@x.test>\n"
                               "To: joe@x.test\n folded\n"
                               "\n"
                               "From here on: body\r\n"
                               "caf\xc3\xa9\rold\n";
    static struct drop drop;

    (void)state;
    assert_int_equal(submission_add_recipients(&submission, SLICE("joe@x.test"), &why), 0);
    assert_int_equal(
        submission_finish(&submission, slice_from(text, sizeof(text) - 1), false, &why), 0);
    read_drop(&drop);
    assert_true(slice_eq(drop.text, SLICE("subject:  odd\tspacing \r\n"
                                          "DATE: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
                                          "From: me@x.test\r\n"
                                          "message-id: <1@x.test>\r\n"
                                          "To: joe@x.test\r\n folded\r\n"
                                          "\r\n"
                                          "From here on: body\r\n"
                                          "caf\xc3\xa9\r\nold\r\n")));
    assert_int_equal(drop.envelope.n_recipients, 1);
    assert_int_equal(drop.envelope.body, BODY_8BITMIME);
    arena_done(&drop.arena);
}

static void check_header_recipients(const char *text, const char *const *want, unsigned n)
{
    static struct drop drop;

    assert_int_equal(submission_finish(&submission, slice_from_cstr(text), true, &why), 0);
    read_drop(&drop);
    assert_int_equal(drop.envelope.n_recipients, n);
    for (unsigned i = 0; i < n; i++)
        assert_true(slice_eq(drop.envelope.recipients[i].address, slice_from_cstr(want[i])));
    assert_false(contains(drop.text, "ecret"));
    arena_done(&drop.arena);
}

static void test_recipients_of_the_header_count_once_each(void **state)
{
    static const char *const want[] = {"joe@x.test", "ann@x.test", "secret@x.test"};

    (void)state;
    check_header_recipients("To: Joe <joe@x.test>, Friends: ann@x.test;\ncc: JOE@X.test,\n"
                            " (me) ann@x.test\nBCC: secret@x.test\n\nhi\n",
                            want, 3);
}

static void test_a_message_sent_again_goes_to_whom_it_is_sent_again(void **state)
{
    static const char *const want[] = {"new@x.test", "secret@x.test"};

    (void)state;
    check_header_recipients(
        "To: old@x.test\nResent-To: new@x.test\nResent-Bcc: secret@x.test\n\nhi\n", want, 2);
}

static void test_senders(void **state)
{
    static const struct {
        struct slice given;
        int code;
        struct slice want;
    } cases[] = {
        {SLICE_INIT("bob@x.test"), 0, SLICE_INIT("bob@x.test")},
        {SLICE_INIT("<bob@x.test>"), 0, SLICE_INIT("bob@x.test")},
        {SLICE_INIT("bob"), 0, SLICE_INIT("bob@example.org")},
        {SLICE_INIT("<>"), 0, SLICE_INIT("")},
        {SLICE_INIT(""), 0, SLICE_INIT("")},
        {SLICE_INIT("bob@x.test>\r\nRCPT TO:<evil@x.test"), EX_DATAERR, SLICE_INIT("")},
        {SLICE_INIT("two words@x.test"), EX_DATAERR, SLICE_INIT("")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(submission_set_sender(&submission, cases[i].given, &why), cases[i].code);
        if (cases[i].code == 0)
            assert_true(slice_eq(submission.envelope.reverse_path, cases[i].want));
    }
}

static void test_what_cannot_be_sent_is_refused_by_code(void **state)
{
    static char large[200000], header[4000] = "X: ";

    (void)state;
    assert_int_equal(submission_finish(&submission, SLICE("x\n"), false, &why), EX_USAGE);
    assert_int_equal(submission_finish(&submission, SLICE("Subject: x\n\n"), true, &why), EX_USAGE);
    assert_int_equal(submission_add_recipients(&submission, SLICE("a@b@c"), &why), EX_DATAERR);
    assert_int_equal(submission_add_recipients(&submission, SLICE("a@x.test,b@x.test"), &why), 0);
    assert_int_equal(submission_finish(&submission, SLICE("a\0b"), false, &why), EX_DATAERR);
    memset(large, 'x', sizeof(large));
    assert_int_equal(submission_finish(&submission, slice_from(large, sizeof(large)), false, &why),
                     EX_UNAVAILABLE);
    memset(header + 3, 'x', sizeof(header) - 4);
    assert_int_equal(submission_finish(&submission, slice_from_cstr(header), false, &why),
                     EX_DATAERR);
    assert_int_equal(submission_add_recipients(&submission, SLICE("c@x,d@x,e@x,f@x"), &why),
                     EX_UNAVAILABLE);
}

/* A user who may write into the folder, but not look into it, and whose limits are small. */
static void as_somebody_else(rlim_t file_size, int want)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = {file_size, file_size};
        int code;
        signal(SIGXFSZ, SIG_IGN);
        if (setgid(65534) < 0 || setuid(65534) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
            _exit(99);
        code = submission_add_recipients(&submission, SLICE("joe@x.test"), &why);
        _exit(code ? 98 : submission_finish(&submission, SLICE("hi\n"), false, &why));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), want);
}

static void test_any_user_may_leave_a_message_that_the_group_can_read(void **state)
{
    static struct drop drop;

    (void)state;
    if (geteuid() != 0)
        skip();
    as_somebody_else(1 << 20, 0);
    read_drop(&drop);
    assert_int_equal(drop.st.st_uid, 65534);
    assert_int_equal(drop.st.st_gid, getegid());
    assert_int_equal(drop.st.st_mode & 07777, 0640);
    arena_done(&drop.arena);
}

static void test_a_full_maildrop_is_to_be_tried_again_and_leaves_nothing(void **state)
{
    char path[400];

    (void)state;
    if (geteuid() != 0)
        skip();
    as_somebody_else(50, EX_TEMPFAIL);
    only_name(path, sizeof(path));
    assert_string_equal(path, "");
}

static void test_a_missing_maildrop_is_to_be_tried_again(void **state)
{
    (void)state;
    site.state = SLICE("/nowhere");
    assert_int_equal(submission_add_recipients(&submission, SLICE("joe@x.test"), &why), 0);
    assert_int_equal(submission_finish(&submission, SLICE("hi\n"), false, &why), EX_TEMPFAIL);
    assert_true(starts_with(buf_slice(&why), "/nowhere/maildrop: No such file"));
}

int main(void)
{
#define WITH_DROP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_DROP(test_a_bare_text_becomes_a_message),
        WITH_DROP(test_what_is_there_keeps_its_bytes_and_bcc_goes),
        WITH_DROP(test_recipients_of_the_header_count_once_each),
        WITH_DROP(test_a_message_sent_again_goes_to_whom_it_is_sent_again),
        WITH_DROP(test_senders),
        WITH_DROP(test_what_cannot_be_sent_is_refused_by_code),
        WITH_DROP(test_any_user_may_leave_a_message_that_the_group_can_read),
        WITH_DROP(test_a_full_maildrop_is_to_be_tried_again_and_leaves_nothing),
        WITH_DROP(test_a_missing_maildrop_is_to_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
