/* Tests of base/exposition.c and base/histogram.c. */
#include "base/exposition.h"
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(struct buf *out, const char *text)
{
    assert_int_equal(out->overflow, 0);
    buf_add_char(out, 0);
    assert_string_equal(out->ptr, text);
    buf_done(out);
}

static void test_help_comes_once_for_a_name(void **state)
{
    struct buf out;
    struct exposition exposition = {.out = &out};

    (void)state;
    buf_init(&out, 4096);
    exposition_counter(&exposition, "a_total", "How many.", "result=\"ok\"", 3);
    exposition_counter(&exposition, "a_total", "How many.", "result=\"no\"", 0);
    exposition_gauge(&exposition, "b", "Now.", NULL, 7);
    exposition_counter_ms(&exposition, "c_seconds_total", "Time.", NULL, 1042);
    expect(&out, "# HELP a_total How many.\n# TYPE a_total counter\n"
                 "a_total{result=\"ok\"} 3\na_total{result=\"no\"} 0\n"
                 "# HELP b Now.\n# TYPE b gauge\nb 7\n"
                 "# HELP c_seconds_total Time.\n# TYPE c_seconds_total counter\n"
                 "c_seconds_total 1.042\n");
}

static void test_buckets_add_up(void **state)
{
    static const struct histogram_bounds bounds = {.count = 3, .ms = {1, 10, 2500}};
    struct histogram histogram = {.bounds = &bounds};
    struct buf out;
    struct exposition exposition = {.out = &out};

    (void)state;
    histogram_add_us(&histogram, 0);
    histogram_add_us(&histogram, 1000); /* a bound is in its bucket */
    histogram_add_us(&histogram, 1001);
    histogram_add_ms(&histogram, 2500);
    histogram_add_ms(&histogram, 2501);
    buf_init(&out, 4096);
    exposition_histogram(&exposition, "d_seconds", "How long.", "way=\"x\"", &histogram);
    expect(&out, "# HELP d_seconds How long.\n# TYPE d_seconds histogram\n"
                 "d_seconds_bucket{way=\"x\",le=\"0.001\"} 2\n"
                 "d_seconds_bucket{way=\"x\",le=\"0.010\"} 3\n"
                 "d_seconds_bucket{way=\"x\",le=\"2.500\"} 4\n"
                 "d_seconds_bucket{way=\"x\",le=\"+Inf\"} 5\n"
                 "d_seconds_sum{way=\"x\"} 5.003001\n"
                 "d_seconds_count{way=\"x\"} 5\n");
}

static void test_bounds_ascend(void **state)
{
    const struct histogram_bounds *all[] = {&histogram_short, &histogram_long};

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        assert_in_range(all[k]->count, 1, HISTOGRAM_BUCKETS_MAX);
        for (unsigned i = 1; i < all[k]->count; i++)
            assert_true(all[k]->ms[i] > all[k]->ms[i - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_comes_once_for_a_name),
        cmocka_unit_test(test_buckets_add_up),
        cmocka_unit_test(test_bounds_ascend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
