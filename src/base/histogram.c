/* See histogram.h. The buckets are not cumulative here: exposition.c adds them up. */
#include "base/histogram.h"

const struct histogram_bounds histogram_short = {
    .count = 15, .ms = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000}};

#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const struct histogram_bounds histogram_long = {
    .count = 16,
    .ms = {100, 500, 1000, 5000, 15000, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR,
           12 * HOUR, DAY, 2 * DAY, 5 * DAY, 7 * DAY}};

void histogram_add_us(struct histogram *histogram, uint64_t us)
{
    unsigned i = 0;

    while (i < histogram->bounds->count && us > histogram->bounds->ms[i] * 1000)
        i++;
    atomic_fetch_add_explicit(&histogram->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, us, memory_order_relaxed);
}

void histogram_add_ms(struct histogram *histogram, uint64_t ms)
{
    histogram_add_us(histogram, ms > UINT64_MAX / 1000 ? UINT64_MAX / 1000 * 1000 : ms * 1000);
}
