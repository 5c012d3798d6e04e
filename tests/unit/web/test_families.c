/* Tests of web/families.c. */
#include "web/families.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define A_HELP "# HELP a_total How many.\n# TYPE a_total counter\n"
#define B_HELP "# HELP b Now.\n# TYPE b gauge\n"

static void expect(struct slice text, const char *merged)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    families_merge(&out, text);
    buf_add_char(&out, 0);
    assert_string_equal(out.ptr, merged);
    buf_done(&out);
}

static void test_samples_of_one_name_stand_together(void **state)
{
    (void)state;
    expect(SLICE(A_HELP "a_total{role=\"x\"} 1\n" B_HELP "b 2\n" A_HELP "a_total{role=\"y\"} 3\n"
                        "# HELP c Last.\n# TYPE c gauge\nc 4\n" B_HELP "b{z=\"1\"} 5\n"),
           A_HELP "a_total{role=\"x\"} 1\na_total{role=\"y\"} 3\n" B_HELP "b 2\nb{z=\"1\"} 5\n"
                  "# HELP c Last.\n# TYPE c gauge\nc 4\n");
}

static void test_what_belongs_nowhere_is_left_out(void **state)
{
    (void)state;
    expect(SLICE(""), "");
    expect(SLICE("stray 1\n\n" B_HELP "\nb 2"), B_HELP "b 2\n");
    expect(SLICE("# HELP\n# HELP "), "# HELP \n");
}

static void test_there_is_a_bound(void **state)
{
    struct buf text, merged;
    unsigned helps = 0;

    (void)state;
    buf_init(&text, SIZE_MAX);
    buf_init(&merged, SIZE_MAX);
    for (unsigned i = 0; i < FAMILIES_MAX + 10; i++)
        buf_printf(&text, "# HELP n%u x\nn%u 1\n", i, i);
    families_merge(&merged, buf_slice(&text));
    for (struct slice rest = buf_slice(&merged); rest.len;)
        helps += slice_starts_with_nocase(slice_cut(&rest, '\n'), SLICE("# HELP"));
    assert_int_equal(helps, FAMILIES_MAX);
    buf_done(&merged);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_of_one_name_stand_together),
        cmocka_unit_test(test_what_belongs_nowhere_is_left_out),
        cmocka_unit_test(test_there_is_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
