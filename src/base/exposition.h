/*
 * Writes what a process counts in Prometheus's text format 0.0.4.
 *
 * Calls for one name stand together; its HELP and TYPE lines come with the first. A name says its
 * unit (seconds, bytes) and, of a counter, ends in _total. `labels` is NULL or what stands between
 * the braces: "result=\"ok\"".
 */
#ifndef NUNCIO_BASE_EXPOSITION_H
#define NUNCIO_BASE_EXPOSITION_H

#include "base/buf.h"
#include "base/histogram.h"

struct exposition {
    struct buf *out;
    const char *last; /* the name whose HELP was written last */
};

void exposition_counter(struct exposition *exposition, const char *name, const char *help,
                        const char *labels, uint64_t value);
/* One that counts milliseconds and is told in seconds. */
void exposition_counter_ms(struct exposition *exposition, const char *name, const char *help,
                           const char *labels, uint64_t ms);
void exposition_gauge(struct exposition *exposition, const char *name, const char *help,
                      const char *labels, uint64_t value);
/* In seconds. */
void exposition_histogram(struct exposition *exposition, const char *name, const char *help,
                          const char *labels, const struct histogram *histogram);

#endif
