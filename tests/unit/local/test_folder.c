#include "local/folder.h"

#include "base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Among them the example of RFC 3501 section 5.1.3. */
static void test_folders_become_directories(void **state)
{
    static const struct {
        struct slice folder;
        int result;
        const char *directory;
    } cases[] = {
        {SLICE_INIT(""), 0, ""},
        {SLICE_INIT("inbox"), 0, ""},
        {SLICE_INIT("Junk"), 0, ".Junk"},
        {SLICE_INIT("Archive/2024"), 0, ".Archive.2024"},
        {SLICE_INIT("Archive.2024"), 0, ".Archive.2024"},
        {SLICE_INIT("Tom & Jerry"), 0, ".Tom &- Jerry"},
        {SLICE_INIT("~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"), 0,
         ".~peter.mail.&U,BTFw-.&ZeVnLIqe-"},
        {SLICE_INIT("Entw\xc3\xbcrfe"), 0, ".Entw&APw-rfe"},
        {SLICE_INIT("\xf0\x9f\x93\xa7"), 0, ".&2D3c5w-"},
        {SLICE_INIT("\xc3\xbc&\xc3\xbc"), 0, ".&APw-&-&APw-"},
        {SLICE_INIT("/Junk"), -EINVAL, ""},
        {SLICE_INIT("Junk/"), -EINVAL, ""},
        {SLICE_INIT("a//b"), -EINVAL, ""},
        {SLICE_INIT("."), -EINVAL, ""},
        {SLICE_INIT(".."), -EINVAL, ""},
        {SLICE_INIT("../x"), -EINVAL, ""},
        {SLICE_INIT("a\nb"), -EINVAL, ""},
        {SLICE_INIT("a\0b"), -EINVAL, ""},
        {SLICE_INIT("a\xff"), -EINVAL, ""},
        {SLICE_INIT("\xc3"), -EINVAL, ""},
        {SLICE_INIT("\xc0\xaf"), -EINVAL, ""},
        {SLICE_INIT("\xed\xa0\x80"), -EINVAL, ""},
        {SLICE_INIT("\xf4\x90\x80\x80"), -EINVAL, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char directory[256] = "?";
        assert_int_equal(folder_directory(cases[i].folder, directory, sizeof(directory)),
                         cases[i].result);
        if (cases[i].result == 0)
            assert_string_equal(directory, cases[i].directory);
    }
}

static void test_a_long_folder_is_refused_not_cut(void **state)
{
    char directory[16];

    (void)state;
    assert_int_equal(folder_directory(SLICE("12345678901234"), directory, sizeof(directory)), 0);
    assert_int_equal(folder_directory(SLICE("123456789012345"), directory, sizeof(directory)),
                     -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_become_directories),
        cmocka_unit_test(test_a_long_folder_is_refused_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
