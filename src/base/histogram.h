/*
 * How often something took how long: counts in buckets that Prometheus adds up. Lock-free; one that
 * is all zero but for `bounds` is empty and ready.
 */
#ifndef NUNCIO_BASE_HISTOGRAM_H
#define NUNCIO_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_BUCKETS_MAX = 20 };

/* Upper bounds in milliseconds, ascending; what is longer than the last counts in one more bucket.
 */
struct histogram_bounds {
    unsigned count;
    uint64_t ms[HISTOGRAM_BUCKETS_MAX];
};

/* From a millisecond to a minute: what a machine does. From a second to a week: what waits. */
extern const struct histogram_bounds histogram_short, histogram_long;

struct histogram {
    const struct histogram_bounds *bounds;
    atomic_uint_least64_t counts[HISTOGRAM_BUCKETS_MAX + 1];
    atomic_uint_least64_t sum_us;
};

void histogram_add_us(struct histogram *histogram, uint64_t us);
void histogram_add_ms(struct histogram *histogram, uint64_t ms);

#endif
