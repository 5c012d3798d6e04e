#include "mail/dropfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_a_head_is_read_as_it_was_written(void **state)
{
    const struct dropfile_head head = {.envelope_length = DROPFILE_ENVELOPE_MAX,
                                       .text_length = UINT64_C(1) << 60,
                                       .crc = UINT32_MAX};
    struct dropfile_head got = {0};
    uint64_t size = DROPFILE_HEAD_LEN + head.envelope_length + head.text_length;
    char bytes[DROPFILE_HEAD_LEN];

    (void)state;
    dropfile_head_format(&head, bytes);
    assert_int_equal(dropfile_head_parse(slice_from(bytes, sizeof(bytes)), size, &got), 0);
    assert_true(got.envelope_length == head.envelope_length);
    assert_true(got.text_length == head.text_length);
    assert_true(got.crc == head.crc);
    /* A file that is cut off or has grown is not complete. */
    assert_int_equal(dropfile_head_parse(slice_from(bytes, sizeof(bytes)), size - 1, &got),
                     -EBADMSG);
    assert_int_equal(dropfile_head_parse(slice_from(bytes, sizeof(bytes)), size + 1, &got),
                     -EBADMSG);
    assert_int_equal(dropfile_head_parse(slice_from(bytes, sizeof(bytes) - 1), size, &got),
                     -EBADMSG);
}

static void test_other_files_and_versions_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"nuncio-drop 1 5 7 9", 0},
        {"nuncio-drop 2 5 7 9", -ENOTSUP},
        {"nuncio-drop 2", -ENOTSUP},
        {"nuncio-drop 1 5 7", -EBADMSG},
        {"nuncio-drop 1 5 7 9 9", -EBADMSG},
        {"nuncio-drop 1 -5 7 9", -EBADMSG},
        {"nuncio-drop x 5 7 9", -EBADMSG},
        {"nuncio-drop 1 99999999 7 9", -EBADMSG},
        {"nuncio-drop 1 5 18446744073709551616 9", -EBADMSG},
        {"Nuncio-drop 1 5 7 9", -EBADMSG},
        {"", -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dropfile_head head;
        char bytes[DROPFILE_HEAD_LEN];
        memset(bytes, ' ', sizeof(bytes));
        memcpy(bytes, cases[i].text, strlen(cases[i].text));
        bytes[sizeof(bytes) - 1] = '\n';
        assert_int_equal(
            dropfile_head_parse(slice_from(bytes, sizeof(bytes)), DROPFILE_HEAD_LEN + 5 + 7, &head),
            cases[i].result);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(dropfile_name_is_good(SLICE("0123456789abcdef0123456789abcdef.msg")));
    assert_false(dropfile_name_is_good(SLICE("0123456789ABCDEF0123456789abcdef.msg")));
    assert_false(dropfile_name_is_good(SLICE(".123456789abcdef0123456789abcdef.msg")));
    assert_false(dropfile_name_is_good(SLICE("0123456789abcdef0123456789abcdef.tmp")));
    assert_false(dropfile_name_is_good(SLICE("0123456789abcdef0123456789abcdef")));
    assert_false(dropfile_name_is_good(SLICE("x.msg")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_is_read_as_it_was_written),
        cmocka_unit_test(test_other_files_and_versions_are_told_apart),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
