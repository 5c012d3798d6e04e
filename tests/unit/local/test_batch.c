#include "support.h"

#include "local/name.h"

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
#include <unistd.h>

#define JOE     SLICE("joe@example.org")
#define JOE_DIR "mail/example.org/joe"
#define TEXT    SLICE("Subject: hello\r\n\r\nOne line.\r\n.\r\nbare \r here\r\n")

static struct store store;

static int setup(void **state)
{
    (void)state;
    store_init(&store);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_done(&store);
    return 0;
}

/* One letter, delivered; the verdict is returned. */
static struct verdict deliver(uint64_t id, struct slice text, bool maybe_repeat)
{
    struct letter letter;

    letter_init(&letter, id, JOE, text);
    letter.job.maybe_repeat = maybe_repeat;
    letters_deliver(&store, 1, &letter, 1);
    letter_done(&letter);
    return letter.verdict;
}

static void test_a_message_arrives_whole(void **state)
{
    static const char want[] = "Return-Path: <from@example.net>\nDelivered-To: joe@example.org\n"
                               "Subject: hello\n\nOne line.\n.\nbare \r here\n";
    struct verdict verdict = deliver(1, TEXT, false);
    char name[NAME_SIZE], path[512];
    uint64_t size = 0;
    char *text;

    (void)state;
    assert_int_equal(verdict.kind, DONE_OK);
    assert_string_equal(verdict.status, "2.0.0");
    store_only_file(&store, JOE_DIR "/new", name, sizeof(name));
    snprintf(path, sizeof(path), JOE_DIR "/new/%s", name);
    text = store_read(&store, path, NULL);
    assert_string_equal(text, want);
    free(text);
    assert_true(name_file_size(slice_from_cstr(name), &size));
    assert_int_equal(size, sizeof(want) - 1);
    /* Seven lines end in LF and would end in CRLF on the wire. */
    snprintf(path, sizeof(path), ",W=%zu", sizeof(want) - 1 + 7);
    assert_non_null(strstr(name, path));
    assert_int_equal(store_count(&store, JOE_DIR "/tmp"), 0);
    assert_int_equal(store_count(&store, JOE_DIR "/cur"), 0);
    assert_int_equal(access(store_path(&store, JOE_DIR "/cur"), F_OK), 0);
}

static void test_mailboxes_are_private(void **state)
{
    struct stat st;

    (void)state;
    deliver(1, TEXT, false);
    assert_int_equal(stat(store_path(&store, JOE_DIR), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_a_full_batch_shares_its_syncs_and_loses_nothing(void **state)
{
    struct letter letters[BATCH_MAX];

    (void)state;
    for (unsigned i = 0; i < BATCH_MAX; i++)
        letter_init(&letters[i], i + 1, i % 2 ? JOE : SLICE("ann@example.org"), TEXT);
    letters_deliver(&store, 1, letters, BATCH_MAX);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        assert_int_equal(letters[i].verdict.kind, DONE_OK);
        letter_done(&letters[i]);
    }
    assert_int_equal(store_count(&store, JOE_DIR "/new"), BATCH_MAX / 2);
    assert_int_equal(store_count(&store, "mail/example.org/ann/new"), BATCH_MAX / 2);
    assert_int_equal(store_count(&store, JOE_DIR "/tmp"), 0);
}

static void test_large_messages_stream_through(void **state)
{
    size_t size = 3 * 1024 * 1024 + 17, lines = 0, len;
    char *text = xmalloc(size);
    char name[NAME_SIZE], path[512];
    char *got, *body;

    (void)state;
    memcpy(text, "A: b\r\n\r\n", 8);
    for (size_t i = 8; i < size; i++)
        text[i] = i % 7 == 5 ? '\r' : i % 7 == 6 ? '\n' : (char)('a' + i % 7);
    for (size_t i = 0; i + 1 < size; i++)
        lines += text[i] == '\r' && text[i + 1] == '\n';
    assert_int_equal(deliver(1, slice_from(text, size), false).kind, DONE_OK);
    store_only_file(&store, JOE_DIR "/new", name, sizeof(name));
    snprintf(path, sizeof(path), JOE_DIR "/new/%s", name);
    got = store_read(&store, path, &len);
    body = strstr(got, "A: b\n");
    assert_non_null(body);
    assert_int_equal(len - (size_t)(body - got), size - lines);
    for (size_t i = 0, j = 0; i < size; i++) {
        if (text[i] == '\r' && i + 1 < size && text[i + 1] == '\n')
            continue;
        assert_int_equal(body[j++], text[i]);
    }
    free(got);
    free(text);
}

static void test_a_repeat_is_recognised_in_new(void **state)
{
    (void)state;
    assert_int_equal(deliver(1, TEXT, false).kind, DONE_OK);
    assert_int_equal(deliver(1, TEXT, false).kind, DONE_OK);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 1);
    assert_int_equal(store_count(&store, JOE_DIR "/tmp"), 0);
    assert_int_equal(deliver(2, TEXT, false).kind, DONE_OK);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 2);
}

static void test_a_repeat_is_recognised_in_cur(void **state)
{
    char name[NAME_SIZE], from[512], to[600];

    (void)state;
    deliver(1, TEXT, false);
    store_only_file(&store, JOE_DIR "/new", name, sizeof(name));
    snprintf(from, sizeof(from), "%s/" JOE_DIR "/new/%s", store.state, name);
    snprintf(to, sizeof(to), "%s/" JOE_DIR "/cur/%s:2,S", store.state, name);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(deliver(1, TEXT, true).kind, DONE_OK);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 0);
    assert_int_equal(deliver(2, TEXT, true).kind, DONE_OK);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 1);
}

static void test_folders_are_maildir_plus_plus(void **state)
{
    struct letter letter;

    (void)state;
    letter_init(&letter, 1, JOE, TEXT);
    letter.recipient.folder = SLICE("Archive/Entw\xc3\xbcrfe");
    letters_deliver(&store, 1, &letter, 1);
    letter_done(&letter);
    assert_int_equal(letter.verdict.kind, DONE_OK);
    assert_int_equal(store_count(&store, JOE_DIR "/.Archive.Entw&APw-rfe/new"), 1);
    assert_int_equal(
        access(store_path(&store, JOE_DIR "/.Archive.Entw&APw-rfe/maildirfolder"), F_OK), 0);
}

static void test_a_folder_without_a_form_is_the_inbox(void **state)
{
    struct letter letter;

    (void)state;
    letter_init(&letter, 1, JOE, TEXT);
    letter.recipient.folder = SLICE("../../escape");
    letters_deliver(&store, 1, &letter, 1);
    letter_done(&letter);
    assert_int_equal(letter.verdict.kind, DONE_OK);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 1);
}

static void test_the_postmaster_has_a_maildir_under_state(void **state)
{
    struct letter letter;

    (void)state;
    letter_init(&letter, 1, SLICE("postmaster"), TEXT);
    letters_deliver(&store, 1, &letter, 1);
    letter_done(&letter);
    assert_int_equal(letter.verdict.kind, DONE_OK);
    assert_int_equal(store_count(&store, "postmaster/new"), 1);
}

static void test_a_loop_is_refused(void **state)
{
    struct verdict verdict;

    (void)state;
    verdict =
        deliver(1, SLICE("Received: x\r\nDELIVERED-TO: Joe@Example.org\r\n\r\nhi\r\n"), false);
    assert_int_equal(verdict.kind, DONE_NEVER);
    assert_string_equal(verdict.status, "5.4.6");
    verdict = deliver(2, SLICE("Subject: x\r\n\r\nDelivered-To: joe@example.org\r\n"), false);
    assert_int_equal(verdict.kind, DONE_OK);
}

static void test_the_alias_on_the_way_is_named(void **state)
{
    struct letter letter;
    char name[NAME_SIZE], path[512];
    char *text;

    (void)state;
    letter_init(&letter, 1, JOE, TEXT);
    letter.recipient.via = SLICE("info@example.org");
    letter.unit.reverse_path = SLICE_NULL;
    letters_deliver(&store, 1, &letter, 1);
    letter_done(&letter);
    store_only_file(&store, JOE_DIR "/new", name, sizeof(name));
    snprintf(path, sizeof(path), JOE_DIR "/new/%s", name);
    text = store_read(&store, path, NULL);
    assert_ptr_equal(strstr(text, "Return-Path: <>\nDelivered-To: joe@example.org\n"
                                  "Delivered-To: info@example.org\nSubject: hello\n"),
                     text);
    free(text);
}

/* A planted link must lead nowhere: neither out of the store nor to another mailbox. */
static void check_link_leads_nowhere(const char *planted)
{
    struct verdict verdict;
    char outside[] = "/tmp/nuncio-outside-XXXXXX";

    assert_non_null(mkdtemp(outside));
    assert_int_equal(symlink(outside, store_path(&store, planted)), 0);
    verdict = deliver(1, TEXT, false);
    assert_int_equal(verdict.kind, DONE_LATER);
    assert_non_null(strstr(verdict.reply, planted));
    assert_int_equal(rmdir(outside), 0); /* still empty */
    assert_int_equal(unlink(store_path(&store, planted)), 0);
}

static void test_planted_links_lead_nowhere(void **state)
{
    (void)state;
    check_link_leads_nowhere("mail/example.org");
    assert_int_equal(mkdir(store_path(&store, "mail/example.org"), 0700), 0);
    check_link_leads_nowhere(JOE_DIR);
    assert_int_equal(mkdir(store_path(&store, JOE_DIR), 0700), 0);
    check_link_leads_nowhere(JOE_DIR "/tmp");
    check_link_leads_nowhere(JOE_DIR "/new");
}

static void test_a_text_that_ends_too_early_is_no_message(void **state)
{
    struct letter letter;

    (void)state;
    letter_init(&letter, 1, JOE, TEXT);
    letter.unit.text_length += 100;
    letters_deliver(&store, 1, &letter, 1);
    letter_done(&letter);
    assert_int_equal(letter.verdict.kind, DONE_LATER);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 0);
    assert_int_equal(store_count(&store, JOE_DIR "/tmp"), 0);
}

/* In a child, so that limits and privileges are its alone. */
static void in_child(void (*check)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        check();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define CHILD_CHECK(what)                                                                          \
    do {                                                                                           \
        if (!(what))                                                                               \
            _exit(__LINE__ & 0x7f);                                                                \
    } while (0)

static void check_no_room(void)
{
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = 100};
    struct verdict verdict;

    signal(SIGXFSZ, SIG_IGN);
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    verdict = deliver(1, TEXT, false);
    CHILD_CHECK(verdict.kind == DONE_LATER && strcmp(verdict.status, "4.3.1") == 0);
    CHILD_CHECK(strstr(verdict.reply, JOE_DIR "/tmp") != NULL);
}

static void test_a_full_store_defers_and_leaves_nothing(void **state)
{
    (void)state;
    /* The memfd of the letter is under the limit too, so the text is short. */
    deliver(9, TEXT, false);
    in_child(check_no_room);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 1);
    assert_int_equal(store_count(&store, JOE_DIR "/tmp"), 0);
}

static void check_read_only(void)
{
    struct verdict verdict;

    if (geteuid() == 0)
        CHILD_CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    verdict = deliver(1, TEXT, false);
    CHILD_CHECK(verdict.kind == DONE_LATER && strcmp(verdict.status, "4.3.0") == 0);
    CHILD_CHECK(strstr(verdict.reply, "mail/example.org") != NULL);
    CHILD_CHECK(strstr(verdict.reply, "Permission denied") != NULL);
}

static void test_a_store_that_cannot_be_written_defers(void **state)
{
    (void)state;
    assert_int_equal(chmod(store.state, 0755), 0);
    assert_int_equal(chmod(store_path(&store, "mail"), 0555), 0);
    in_child(check_read_only);
    assert_int_equal(chmod(store_path(&store, "mail"), 0700), 0);
}

static void test_one_bad_mailbox_does_not_hold_the_others(void **state)
{
    struct letter letters[5];

    (void)state;
    assert_int_equal(mkdir(store_path(&store, "mail/example.org"), 0700), 0);
    assert_int_equal(symlink("/", store_path(&store, JOE_DIR)), 0);
    for (unsigned i = 0; i < 5; i++)
        letter_init(&letters[i], i + 1, i == 2 ? JOE : SLICE("ann@example.org"), TEXT);
    letters_deliver(&store, 1, letters, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(letters[i].verdict.kind, i == 2 ? DONE_LATER : DONE_OK);
        letter_done(&letters[i]);
    }
    assert_int_equal(store_count(&store, "mail/example.org/ann/new"), 4);
}

static void test_a_full_mailbox_defers_or_refuses_by_setting(void **state)
{
    struct letter letters[3];
    char *text;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        letter_init(&letters[i], i + 1, JOE, TEXT);
        letters[i].recipient.quota_messages = 1;
    }
    letters[2].job.reject_when_full = true;
    letters_deliver(&store, 1, letters, 3);
    assert_int_equal(letters[0].verdict.kind, DONE_OK);
    assert_int_equal(letters[1].verdict.kind, DONE_LATER);
    assert_string_equal(letters[1].verdict.status, "4.2.2");
    assert_int_equal(letters[2].verdict.kind, DONE_NEVER);
    assert_string_equal(letters[2].verdict.status, "5.2.2");
    for (unsigned i = 0; i < 3; i++)
        letter_done(&letters[i]);
    assert_int_equal(store_count(&store, JOE_DIR "/new"), 1);
    text = store_read(&store, JOE_DIR "/maildirsize", NULL);
    assert_string_equal(text, "1C\n0 0\n102 1\n");
    free(text);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_a_message_arrives_whole),
        WITH_STORE(test_mailboxes_are_private),
        WITH_STORE(test_a_full_batch_shares_its_syncs_and_loses_nothing),
        WITH_STORE(test_large_messages_stream_through),
        WITH_STORE(test_a_repeat_is_recognised_in_new),
        WITH_STORE(test_a_repeat_is_recognised_in_cur),
        WITH_STORE(test_folders_are_maildir_plus_plus),
        WITH_STORE(test_a_folder_without_a_form_is_the_inbox),
        WITH_STORE(test_the_postmaster_has_a_maildir_under_state),
        WITH_STORE(test_a_loop_is_refused),
        WITH_STORE(test_the_alias_on_the_way_is_named),
        WITH_STORE(test_planted_links_lead_nowhere),
        WITH_STORE(test_a_text_that_ends_too_early_is_no_message),
        WITH_STORE(test_a_full_store_defers_and_leaves_nothing),
        WITH_STORE(test_a_store_that_cannot_be_written_defers),
        WITH_STORE(test_one_bad_mailbox_does_not_hold_the_others),
        WITH_STORE(test_a_full_mailbox_defers_or_refuses_by_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
