#include "local/quota.h"

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct store store;
static int root;

static void make_directory(const char *relative)
{
    assert_int_equal(mkdir(store_path(&store, relative), 0700), 0);
}

static void write_file(const char *relative, const char *text)
{
    int fd = open(store_path(&store, relative), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* A Maildir with a message of 100 bytes by name, one of 5 by its size, and one of 1000 in a folder.
 */
static int setup(void **state)
{
    (void)state;
    store_init(&store);
    make_directory("new");
    make_directory("cur");
    make_directory("tmp");
    make_directory(".Junk");
    make_directory(".Junk/new");
    make_directory(".Junk/cur");
    write_file("new/1.M1P1.host,S=100,W=103", "x");
    write_file("cur/2.M1P1.host:2,S", "12345");
    write_file(".Junk/cur/3.M1P1.host,S=1000:2,", "x");
    write_file("tmp/4.M1P1.host,S=5000", "x");
    root = open(store.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(root);
    store_done(&store);
    return 0;
}

static void check_file(const char *want)
{
    char *text = store_read(&store, "maildirsize", NULL);

    assert_string_equal(text, want);
    free(text);
}

static void test_a_missing_file_is_counted(void **state)
{
    struct quota quota = {.limit_bytes = 5000, .limit_messages = 10};

    (void)state;
    assert_int_equal(quota_read(root, &quota), 0);
    assert_int_equal(quota.bytes, 1105);
    assert_int_equal(quota.messages, 3);
    check_file("5000S,10C\n1105 3\n");
}

static void test_lines_are_summed_up(void **state)
{
    struct quota quota = {.limit_bytes = 5000};

    (void)state;
    write_file("maildirsize", "5000S\n2000 2\n  300 1\n-100 -1\n");
    assert_int_equal(quota_read(root, &quota), 0);
    assert_int_equal(quota.bytes, 2200);
    assert_int_equal(quota.messages, 2);
    assert_int_equal(quota_add(root, 50, 1), 0);
    check_file("5000S\n2000 2\n  300 1\n-100 -1\n50 1\n");
}

static void test_files_that_cannot_be_believed_are_made_anew(void **state)
{
    static const char *const texts[] = {
        "",
        "garbage",
        "6000S\n10 1\n",         /* other limits */
        "5000S,7C\n10 1\n",      /* other limits */
        "5000S\n",               /* no count */
        "5000S\n10\n",           /* half a line */
        "5000S\n10 1\nten 1\n",  /* no number */
        "5000S\n10 1\n-20 -1\n", /* less than nothing */
        "5000S\n9223372036854775807 1\n9223372036854775807 1\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct quota quota = {.limit_bytes = 5000};
        write_file("maildirsize", texts[i]);
        assert_int_equal(quota_read(root, &quota), 0);
        assert_int_equal(quota.bytes, 1105);
        check_file("5000S\n1105 3\n");
    }
}

static void test_a_file_that_has_grown_long_is_made_anew(void **state)
{
    struct quota quota = {.limit_messages = 1000};
    struct buf text;

    (void)state;
    buf_init(&text, 10000);
    buf_add_cstr(&text, "1000C\n");
    while (text.len < 5120)
        buf_add_cstr(&text, "1 1\n");
    buf_add_char(&text, '\0');
    write_file("maildirsize", text.ptr);
    buf_done(&text);
    assert_int_equal(quota_read(root, &quota), 0);
    assert_int_equal(quota.messages, 3);
    check_file("1000C\n1105 3\n");
}

static void test_full_is_checked_by_a_count_before_it_is_said(void **state)
{
    struct quota quota = {.limit_bytes = 5000};

    (void)state;
    /* The reader has removed mail and told nobody. */
    write_file("maildirsize", "5000S\n4000 4\n900 1\n");
    assert_int_equal(quota_read(root, &quota), 0);
    assert_int_equal(quota.bytes, 4900);
    assert_int_equal(quota_admit(root, &quota, 200), 1);
    assert_int_equal(quota.bytes, 1105);
    check_file("5000S\n1105 3\n");
}

static void test_a_fresh_full_is_believed_and_an_old_one_is_not(void **state)
{
    struct quota quota = {.limit_bytes = 5000}, later = {.limit_bytes = 5000};
    struct timespec old[2] = {{.tv_sec = time(NULL) - 16 * 60}, {.tv_sec = time(NULL) - 16 * 60}};

    (void)state;
    write_file("maildirsize", "5000S\n5000 5\n");
    assert_int_equal(quota_read(root, &quota), 0);
    assert_int_equal(quota_admit(root, &quota, 1), 0);
    check_file("5000S\n5000 5\n");
    assert_int_equal(utimensat(AT_FDCWD, store_path(&store, "maildirsize"), old, 0), 0);
    assert_int_equal(quota_read(root, &later), 0);
    assert_int_equal(quota_admit(root, &later, 1), 1);
}

static void test_admission_reserves(void **state)
{
    struct quota bytes = {.limit_bytes = 1305}, messages = {.limit_messages = 4};

    (void)state;
    assert_int_equal(quota_read(root, &bytes), 0);
    assert_int_equal(quota_admit(root, &bytes, 150), 1);
    assert_int_equal(quota_admit(root, &bytes, 51), 0);
    assert_int_equal(quota_admit(root, &bytes, 50), 1);
    assert_int_equal(quota_read(root, &messages), 0);
    assert_int_equal(quota_admit(root, &messages, 1), 1);
    assert_int_equal(quota_admit(root, &messages, 1), 0);
}

static void test_without_a_file_nothing_is_added(void **state)
{
    (void)state;
    assert_int_equal(quota_add(root, 10, 1), 0);
    assert_int_not_equal(access(store_path(&store, "maildirsize"), F_OK), 0);
}

static void test_a_link_in_the_place_of_the_file_is_not_followed(void **state)
{
    struct quota quota = {.limit_bytes = 5000};
    struct stat st;

    (void)state;
    write_file("outside", "5000S\n1 1\n");
    assert_int_equal(symlink("outside", store_path(&store, "maildirsize")), 0);
    assert_int_equal(quota_add(root, 10, 1), -ELOOP);
    assert_int_equal(quota_read(root, &quota), 0);
    assert_int_equal(quota.bytes, 1105);
    assert_int_equal(lstat(store_path(&store, "maildirsize"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_a_missing_file_is_counted),
        WITH_STORE(test_lines_are_summed_up),
        WITH_STORE(test_files_that_cannot_be_believed_are_made_anew),
        WITH_STORE(test_a_file_that_has_grown_long_is_made_anew),
        WITH_STORE(test_full_is_checked_by_a_count_before_it_is_said),
        WITH_STORE(test_a_fresh_full_is_believed_and_an_old_one_is_not),
        WITH_STORE(test_admission_reserves),
        WITH_STORE(test_without_a_file_nothing_is_added),
        WITH_STORE(test_a_link_in_the_place_of_the_file_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
