/*
 * The collector over a real folder and a real spool, run by hand: no pool, no threads but the
 * committer's.
 */
#include "receive/drop.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "mail/dropfile.h"
#include "receive/drop_file.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

struct result {
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool done;
    int value;
};

static void on_done(void *arg, int value)
{
    struct result *result = arg;

    pthread_mutex_lock(&result->lock);
    result->done = true;
    result->value = value;
    pthread_cond_signal(&result->told);
    pthread_mutex_unlock(&result->lock);
}

static void write_file(const struct support *support, const char *name, struct slice bytes)
{
    char path[200];
    int fd;

    snprintf(path, sizeof(path), "%s/maildrop/%s", support->state, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    close(fd);
}

static void make_drop(struct buf *out, const char *to, struct slice text)
{
    struct recipient recipient = {.address = slice_from_cstr(to)};
    struct envelope envelope = {
        .reverse_path = SLICE("ann@example.org"), .recipients = &recipient, .n_recipients = 1};
    struct dropfile_head head = {.text_length = text.len};
    struct buf stored;
    char start[DROPFILE_HEAD_LEN];

    recipient.class = CLASS_LOCAL;
    buf_init(&stored, 10000);
    envelope_encode(&stored, &envelope);
    head.envelope_length = stored.len;
    head.crc = crc32c(crc32c(0, stored.ptr, stored.len), text.ptr, text.len);
    dropfile_head_format(&head, start);
    buf_reset(out);
    buf_add(out, start, sizeof(start));
    buf_add_slice(out, buf_slice(&stored));
    buf_add_slice(out, text);
    buf_done(&stored);
}

#define NAME "0123456789abcdef0123456789abcdef.msg"

/* The verdict over the file NAME; waits for the commit. */
static enum drop_verdict submit(struct support *support, const char **ret_why)
{
    struct result result = {.done = false, .value = 1};
    struct task_scratch scratch;
    enum drop_verdict verdict;
    char path[200];
    int folder;

    pthread_mutex_init(&result.lock, NULL);
    pthread_cond_init(&result.told, NULL);
    task_scratch_init(&scratch);
    snprintf(path, sizeof(path), "%s/maildrop", support->state);
    folder = open(path, O_RDONLY | O_DIRECTORY);
    verdict = drop_file_submit(&support->server, support->config, folder, NAME, &scratch, on_done,
                               &result, ret_why);
    pthread_mutex_lock(&result.lock);
    while (verdict == DROP_SUBMITTED && !result.done)
        pthread_cond_wait(&result.told, &result.lock);
    pthread_mutex_unlock(&result.lock);
    if (verdict == DROP_SUBMITTED)
        assert_int_equal(result.value, 0);
    close(folder);
    task_scratch_done(&scratch);
    return verdict;
}

static void test_a_good_file_becomes_a_message(void **state)
{
    struct support *support = *state;
    const char *why = NULL;
    struct support_message message;
    struct buf file;

    buf_init(&file, 100000);
    make_drop(&file, "joe@elsewhere.example",
              SLICE("Subject: x\nBcc: secret@example.org\n\nbody\n"));
    write_file(support, NAME, buf_slice(&file));
    assert_int_equal(submit(support, &why), DROP_SUBMITTED);
    support_read_only_message(support, &message);
    assert_true(slice_eq(message.envelope.listener, SLICE("sendmail")));
    assert_true(slice_starts_with_nocase(message.envelope.login, SLICE("userid ")));
    assert_int_equal(message.envelope.recipients[0].class, CLASS_AUTHORISED);
    assert_true(
        support_contains(message.text, "Received: by mx.example.org (Nuncio, from userid "));
    assert_true(support_contains(message.text, "\r\nSubject: x\r\n"));
    assert_true(support_contains(message.text, "\r\nDate: "));
    assert_true(support_contains(message.text, "\r\nFrom: <ann@example.org>\r\n"));
    assert_true(support_contains(message.text, "\r\n\r\nbody\r\n"));
    assert_false(support_contains(message.text, "secret"));
    support_message_done(&message);
    buf_done(&file);
}

static void test_what_can_never_be_taken_says_why(void **state)
{
    struct support *support = *state;
    struct buf file;
    const char *why = NULL;
    char path[200], other[200];

    buf_init(&file, 100000);
    snprintf(path, sizeof(path), "%s/maildrop/" NAME, support->state);
    snprintf(other, sizeof(other), "%s/maildrop/other", support->state);

    write_file(support, NAME, SLICE("rubbish"));
    assert_int_equal(submit(support, &why), DROP_BAD);
    assert_string_equal(why, "does not begin like a message of sendmail");

    make_drop(&file, "joe@example.org", SLICE("a: b\n\nbody\n"));
    file.ptr[file.len - 2] ^= 1;
    write_file(support, NAME, buf_slice(&file));
    assert_int_equal(submit(support, &why), DROP_BAD);
    assert_string_equal(why, "is torn");

    make_drop(&file, "joe@example.org", SLICE("a: b\n\nbo\0dy\n"));
    write_file(support, NAME, buf_slice(&file));
    assert_int_equal(submit(support, &why), DROP_BAD);
    assert_string_equal(why, "a message may not contain NUL");

    make_drop(&file, "no address", SLICE("a: b\n\nbody\n"));
    write_file(support, NAME, buf_slice(&file));
    assert_int_equal(submit(support, &why), DROP_BAD);
    assert_string_equal(why, "has a bad recipient");

    make_drop(&file, "joe@example.org", SLICE("a: b\n\nbody\n"));
    write_file(support, NAME, buf_slice(&file));
    assert_int_equal(link(path, other), 0);
    assert_int_equal(submit(support, &why), DROP_BAD);
    assert_string_equal(why, "has a second name");
    unlink(path);

    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(submit(support, &why), DROP_BAD);
    assert_string_equal(why, "cannot be opened");
    unlink(path);

    assert_int_equal(mkfifo(path, 0666), 0);
    assert_int_equal(submit(support, &why), DROP_BAD);
    assert_string_equal(why, "is not a regular file");
    buf_done(&file);
}

static void wait_until_gone(const char *path)
{
    for (unsigned i = 0; i < 200 && access(path, F_OK) == 0; i++)
        usleep(50 * 1000);
    assert_int_equal(access(path, F_OK), -1);
}

/* The task in a real pool: what is there at the start, what comes later, behind rubbish. */
static void test_the_task_collects_and_cleans_up(void **state)
{
    struct support *support = *state;
    struct drop *drop = drop_open(&support->server, slice_from_cstr(support->state));
    struct tasks *pool = tasks_new("test", 2);
    char path[200], name[100];
    struct buf file;

    assert_non_null(drop);
    support->server.wake = task_wake;
    buf_init(&file, 100000);
    make_drop(&file, "joe@example.org", SLICE("a: b\n\nbody\n"));
    for (unsigned i = 0; i < 600; i++) {
        snprintf(name, sizeof(name), "rubbish%u", i);
        write_file(support, name, SLICE("x"));
    }
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "%032x.msg", i);
        write_file(support, name, buf_slice(&file));
    }
    assert_int_equal(drop_start(drop, pool), 0);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), "%s/maildrop/%032x.msg", support->state, i);
        wait_until_gone(path);
    }
    write_file(support, ".late", buf_slice(&file));
    snprintf(name, sizeof(name), "%s/maildrop/.late", support->state);
    snprintf(path, sizeof(path), "%s/maildrop/" NAME, support->state);
    assert_int_equal(rename(name, path), 0);
    wait_until_gone(path);
    write_file(support, ".torn", SLICE("torn"));
    snprintf(name, sizeof(name), "%s/maildrop/.torn", support->state);
    snprintf(path, sizeof(path), "%s/maildrop/00000000000000000000000000000bad.msg",
             support->state);
    assert_int_equal(rename(name, path), 0);
    snprintf(path, sizeof(path), "%s/maildrop/00000000000000000000000000000bad.msg.bad",
             support->state);
    for (unsigned i = 0; i < 200 && access(path, F_OK) < 0; i++)
        usleep(50 * 1000);
    assert_int_equal(access(path, F_OK), 0);
    tasks_stop(pool);
    (void)tasks_finish(pool);
    support_close_spool(support);
    assert_int_equal(tasks_finish(pool), 0);
    tasks_free(pool);
    drop_close(drop);
    assert_int_equal(atomic_load(&support->server.counts.dropped), 41);
    buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_good_file_becomes_a_message),
        SUPPORT_TEST(test_what_can_never_be_taken_says_why),
        SUPPORT_TEST(test_the_task_collects_and_cleans_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
