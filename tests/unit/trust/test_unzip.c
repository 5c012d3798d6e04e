#include "trust/unzip.h"

#include "../cmocka_all.h"
#include "base/arena.h"

#include <string.h>

#include "zip_samples.h"

static void check(struct slice zip, bool good)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    assert_int_equal(unzip_first(&out, zip), good);
    if (good)
        assert_true(slice_eq(buf_slice(&out), SLICE(ZIP_TEXT)));
    buf_done(&out);
}

static void test_both_methods(void **state)
{
    (void)state;
    check(ZIP_DEFLATED, true);
    check(ZIP_STORED, true);
    assert_true(unzip_is_meant(ZIP_STORED));
    assert_false(unzip_is_meant(SLICE("PK")));
}

static void test_no_cut_of_one_is_one(void **state)
{
    (void)state;
    for (size_t len = 0; len < ZIP_DEFLATED.len; len++)
        check(slice_sub(ZIP_DEFLATED, 0, len), false);
}

static void test_one_wrong_byte_is_harmless(void **state)
{
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < ZIP_DEFLATED.len; i++) {
        struct slice copy = arena_dup(&arena, ZIP_DEFLATED);
        memset((char *)(uintptr_t)copy.ptr + i, 0xff, 1);
        buf_reset(&out);
        /* It may be one of the bytes that do not matter; then the text is right. */
        if (unzip_first(&out, copy))
            assert_true(slice_eq(buf_slice(&out), SLICE(ZIP_TEXT)));
    }
    buf_done(&out);
    arena_done(&arena);
}

static void test_folders_are_passed_over_and_secrets_refused(void **state)
{
    (void)state;
    check(ZIP_BEHIND_FOLDER, true);
    check(ZIP_STREAMED, true);
    check(ZIP_ENCRYPTED, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_methods),
        cmocka_unit_test(test_no_cut_of_one_is_one),
        cmocka_unit_test(test_one_wrong_byte_is_harmless),
        cmocka_unit_test(test_folders_are_passed_over_and_secrets_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
