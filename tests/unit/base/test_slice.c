#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_parse_u64_refuses_what_is_not_a_number_in_bounds(void **state)
{
    static const struct {
        struct slice text;
        uint64_t max;
        bool good;
        uint64_t value;
    } cases[] = {
        {SLICE_INIT("0"), 10, true, 0},
        {SLICE_INIT("10"), 10, true, 10},
        {SLICE_INIT("11"), 10, false, 0},
        {SLICE_INIT(""), 10, false, 0},
        {SLICE_INIT("-1"), 10, false, 0},
        {SLICE_INIT("1 "), 10, false, 0},
        {SLICE_INIT("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
        {SLICE_INIT("18446744073709551616"), UINT64_MAX, false, 0},
        {SLICE_INIT("7"), 5, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = 0;
        assert_int_equal(slice_parse_u64(cases[i].text, cases[i].max, &value), cases[i].good);
        if (cases[i].good)
            assert_true(value == cases[i].value);
    }
}

static void test_cut_visits_every_piece_once(void **state)
{
    struct slice rest = SLICE("a,,b,");
    static const struct slice want[] = {SLICE_INIT("a"), SLICE_INIT(""), SLICE_INIT("b"),
                                        SLICE_INIT("")};
    size_t n = 0;

    (void)state;
    while (rest.ptr) {
        struct slice piece = slice_cut(&rest, ',');
        assert_true(n < 4);
        assert_true(slice_eq(piece, want[n++]));
    }
    assert_int_equal(n, 4);
}

static void test_sub_and_skip_stay_inside(void **state)
{
    struct slice s = SLICE("abc");

    (void)state;
    assert_true(slice_eq(slice_sub(s, 1, 9), SLICE("bc")));
    assert_int_equal(slice_sub(s, 9, 1).len, 0);
    assert_int_equal(slice_skip(SLICE_NULL, 3).len, 0);
    assert_true(slice_eq(slice_trim(SLICE(" \r\n x y\t")), SLICE("x y")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_u64_refuses_what_is_not_a_number_in_bounds),
        cmocka_unit_test(test_cut_visits_every_piece_once),
        cmocka_unit_test(test_sub_and_skip_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
