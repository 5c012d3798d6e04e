/* Files that the parent hands over. */
#include "../cmocka_all.h"

#include "io/files.h"
#include "base/buf.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_file(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static int take(struct files *files, const char *path, const char *text, const char *why)
{
    struct msg_file message = {.path = slice_from_cstr(path), .text = slice_from_cstr(why)};
    int fd = text ? memory_file(text) : -1;
    int r = files_take(files, &message, fd);

    if (fd >= 0)
        close(fd);
    return r;
}

static void check(struct files *files, const char *path, bool readable, const char *text,
                  unsigned version)
{
    struct files_file file;

    assert_true(files_find(files, slice_from_cstr(path), &file));
    assert_int_equal(file.readable, readable);
    assert_true(slice_eq(file.text, slice_from_cstr(text)));
    assert_int_equal(file.version, version);
}

static void test_newer_texts_replace(void **state)
{
    struct files *files = files_new();
    struct files_file file;

    (void)state;
    assert_false(files_find(files, SLICE("/a"), &file));
    assert_int_equal(take(files, "/a", "one", NULL), 0);
    assert_int_equal(take(files, "/b", "", NULL), 0);
    check(files, "/a", true, "one", 1);
    check(files, "/b", true, "", 1);
    assert_int_equal(take(files, "/a", NULL, "Permission denied"), 0);
    check(files, "/a", false, "Permission denied", 2);
    assert_int_equal(take(files, "/a", "two", NULL), 0);
    check(files, "/a", true, "two", 3);
    files_free(files);
}

static void test_bounds(void **state)
{
    struct msg_file large = {.path = SLICE("/large")};
    struct files *files = files_new();
    struct files_file file;
    char path[16];
    int fd;

    (void)state;
    fd = memory_file("x");
    assert_int_equal(ftruncate(fd, (off_t)FILE_TEXT_MAX + 1), 0);
    assert_int_equal(files_take(files, &large, fd), 0);
    close(fd);
    assert_true(files_find(files, SLICE("/large"), &file));
    assert_false(file.readable);
    for (int i = 1; i < FILES_MAX; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        assert_int_equal(take(files, path, "x", NULL), 0);
    }
    assert_true(take(files, "/more", "x", NULL) < 0);
    assert_int_equal(take(files, "/1", "y", NULL), 0);
    files_free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newer_texts_replace),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
