/* See exposition.h. Names, help and labels are our own words, so that nothing needs escaping. */
#include "base/exposition.h"

#include <string.h>

static void begin(struct exposition *exposition, const char *name, const char *help,
                  const char *type)
{
    if (exposition->last && strcmp(exposition->last, name) == 0)
        return;
    exposition->last = name;
    buf_printf(exposition->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_name(struct buf *out, const char *name, const char *labels)
{
    buf_add_cstr(out, name);
    if (labels)
        buf_printf(out, "{%s}", labels);
}

static void add_number(struct exposition *exposition, const char *name, const char *labels,
                       uint64_t value)
{
    add_name(exposition->out, name, labels);
    buf_printf(exposition->out, " %llu\n", (unsigned long long)value);
}

void exposition_counter(struct exposition *exposition, const char *name, const char *help,
                        const char *labels, uint64_t value)
{
    begin(exposition, name, help, "counter");
    add_number(exposition, name, labels, value);
}

static void add_thousandths(struct buf *out, uint64_t value)
{
    buf_printf(out, "%llu.%03u", (unsigned long long)(value / 1000), (unsigned)(value % 1000));
}

void exposition_counter_ms(struct exposition *exposition, const char *name, const char *help,
                           const char *labels, uint64_t ms)
{
    begin(exposition, name, help, "counter");
    add_name(exposition->out, name, labels);
    buf_add_char(exposition->out, ' ');
    add_thousandths(exposition->out, ms);
    buf_add_char(exposition->out, '\n');
}

void exposition_gauge(struct exposition *exposition, const char *name, const char *help,
                      const char *labels, uint64_t value)
{
    begin(exposition, name, help, "gauge");
    add_number(exposition, name, labels, value);
}

static void add_bucket(struct exposition *exposition, const char *name, const char *labels,
                       uint64_t bound_ms, uint64_t count)
{
    struct buf *out = exposition->out;

    buf_printf(out, "%s_bucket{%s%sle=\"", name, labels ? labels : "", labels ? "," : "");
    if (bound_ms == UINT64_MAX)
        buf_add_cstr(out, "+Inf");
    else
        add_thousandths(out, bound_ms);
    buf_printf(out, "\"} %llu\n", (unsigned long long)count);
}

/* The buckets are read one after another while others count: the sum is that of what was read, so
 * that +Inf and _count always agree. */
void exposition_histogram(struct exposition *exposition, const char *name, const char *help,
                          const char *labels, const struct histogram *histogram)
{
    struct buf *out = exposition->out;
    const struct histogram_bounds *bounds = histogram->bounds;
    uint64_t sum_us = atomic_load(&histogram->sum_us), total = 0;

    begin(exposition, name, help, "histogram");
    for (unsigned i = 0; i <= bounds->count; i++) {
        total += atomic_load(&histogram->counts[i]);
        add_bucket(exposition, name, labels, i < bounds->count ? bounds->ms[i] : UINT64_MAX, total);
    }
    buf_printf(out, "%s_sum", name);
    add_name(out, "", labels);
    buf_printf(out, " %llu.%06u\n", (unsigned long long)(sum_us / 1000000),
               (unsigned)(sum_us % 1000000));
    buf_printf(out, "%s_count", name);
    add_name(out, "", labels);
    buf_printf(out, " %llu\n", (unsigned long long)total);
}
