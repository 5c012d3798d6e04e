#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_borders(void **state)
{
    static const struct {
        struct slice octets;
        size_t len;
        uint32_t value;
    } cases[] = {
        {SLICE_INIT(""), 0, 0},
        {SLICE_INIT("\0"), 1, 0},
        {SLICE_INIT("\x7f"), 1, 0x7f},
        {SLICE_INIT("\x80"), 0, 0},
        {SLICE_INIT("\xc1\xbf"), 0, 0},
        {SLICE_INIT("\xc2\x80"), 2, 0x80},
        {SLICE_INIT("\xdf\xbf"), 2, 0x7ff},
        {SLICE_INIT("\xc2"), 0, 0},
        {SLICE_INIT("\xc2 "), 0, 0},
        {SLICE_INIT("\xe0\x9f\xbf"), 0, 0},
        {SLICE_INIT("\xe0\xa0\x80"), 3, 0x800},
        {SLICE_INIT("\xed\x9f\xbf"), 3, 0xd7ff},
        {SLICE_INIT("\xed\xa0\x80"), 0, 0},
        {SLICE_INIT("\xee\x80\x80"), 3, 0xe000},
        {SLICE_INIT("\xef\xbf\xbf"), 3, 0xffff},
        {SLICE_INIT("\xef\xbf"), 0, 0},
        {SLICE_INIT("\xf0\x8f\xbf\xbf"), 0, 0},
        {SLICE_INIT("\xf0\x90\x80\x80"), 4, 0x10000},
        {SLICE_INIT("\xf4\x8f\xbf\xbf"), 4, 0x10ffff},
        {SLICE_INIT("\xf4\x90\x80\x80"), 0, 0},
        {SLICE_INIT("\xf5\x80\x80\x80"), 0, 0},
        {SLICE_INIT("\xff"), 0, 0},
        {SLICE_INIT("\xf0\x90\x80"
                    "a"),
         0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (utf8_char_len(cases[i].octets) != cases[i].len)
            fail_msg("%zu: %zu octets", i, utf8_char_len(cases[i].octets));
        if (cases[i].len)
            assert_int_equal(utf8_char_value(cases[i].octets), cases[i].value);
    }
}

static void test_every_character_comes_back(void **state)
{
    (void)state;
    for (uint32_t value = 0; value <= 0x10ffff; value++) {
        char octets[4];
        size_t len = utf8_put(octets, value);
        bool surrogate = value >= 0xd800 && value < 0xe000;

        if (utf8_char_len(slice_from(octets, len)) != (surrogate ? 0 : len))
            fail_msg("U+%04X", value);
        if (!surrogate && utf8_char_value(slice_from(octets, len)) != value)
            fail_msg("U+%04X is read as another", value);
    }
}

static void test_whole_texts(void **state)
{
    (void)state;
    assert_true(utf8_is_valid(SLICE("")));
    assert_true(utf8_is_valid(SLICE("aé例😀")));
    assert_false(utf8_is_valid(SLICE("a\xe4")));
    assert_true(utf8_is_ascii(SLICE("\0\x7f")));
    assert_false(utf8_is_ascii(SLICE("a\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_every_character_comes_back),
        cmocka_unit_test(test_whole_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
