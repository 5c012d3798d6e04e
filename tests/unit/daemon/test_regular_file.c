/* What a path of the configuration may turn out to be. None of it holds the parent up. */
#include "daemon/regular_file.h"

#include "place.h"

#include <errno.h>

enum { MOST = 10 };

static void make_all(void)
{
    place_write("good", "1234567890");
    place_write("empty", "");
    place_write("long", "12345678901");
    assert_int_equal(mkdir(place_path("folder"), 0700), 0);
    assert_int_equal(mkfifo(place_path("fifo"), 0600), 0);
    assert_int_equal(symlink("good", place_path("link")), 0);
    assert_int_equal(symlink("loop2", place_path("loop1")), 0);
    assert_int_equal(symlink("loop1", place_path("loop2")), 0);
    assert_int_equal(symlink("/dev/zero", place_path("device")), 0);
    place_write("huge", "");
    assert_int_equal(truncate(place_path("huge"), (off_t)1 << 40), 0);
}

static void test_only_files_with_a_bound_are_read(void **state)
{
    static const struct {
        const char *name, *want, *why;
        int error;
    } cases[] = {
        {"good", "1234567890", "", 0},
        {"empty", "", "", 0},
        {"link", "1234567890", "", 0},
        {"nothing", "", "No such file or directory", -ENOENT},
        {"long", "", "It has more than 10 bytes", -EFBIG},
        {"huge", "", "It has more than 10 bytes", -EFBIG},
        {"folder", "", "Is a directory", -EISDIR},
        {"fifo", "", "Not a file", -EINVAL},
        {"device", "", "Not a file", -EINVAL},
        {"loop1", "", "Too many levels of symbolic links", -ELOOP},
        {"good/more", "", "Not a directory", -ENOTDIR},
    };

    (void)state;
    make_all();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[REGULAR_FILE_WHY_SIZE] = "";
        struct slice text = SLICE_NULL;
        struct arena arena;
        struct stat st;
        int r;
        arena_init(&arena);
        r = regular_file_read(slice_from_cstr(place_path(cases[i].name)), MOST, &arena, &text, &st,
                              why);
        assert_int_equal(r, cases[i].error);
        assert_string_equal(why, cases[i].why);
        assert_true(slice_eq(text, slice_from_cstr(cases[i].want)));
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_files_with_a_bound_are_read, place_make,
                                        place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
