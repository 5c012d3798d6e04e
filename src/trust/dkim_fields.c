/*
 * Fields in the order of their names. See dkim_fields.h.
 *
 * A section of a megabyte can have a quarter of a million fields and an h= with as many names; so
 * fields are sorted once (not hashed, since nobody can choose names that make sorting slow), names
 * are found by bisection, and how many of a name are taken already is a number beside the first
 * one of that name.
 */
#include "trust/dkim_fields.h"

#include "trust/dkim_tags.h"

#include <stdlib.h>
#include <string.h>

struct dkim_fields {
    struct slice header;
    uint32_t *starts;  /* offsets, from the top */
    uint32_t *by_name; /* indices into starts; of the same name the lowest field first */
    unsigned count;
    unsigned size;
};

struct header_field dkim_fields_at(const struct dkim_fields *fields, unsigned at)
{
    struct header_iter iter = header_iterate(fields->header);
    struct header_field field = {.name = SLICE_NULL};

    iter.at = fields->starts[at];
    header_next(&iter, &field);
    return field;
}

static struct slice name_at(const struct dkim_fields *fields, unsigned at)
{
    struct slice name = slice_skip(fields->header, fields->starts[at]);
    const char *colon = memchr(name.ptr, ':', name.len);

    name.len = colon ? (size_t)(colon - name.ptr) : 0;
    while (name.len && ascii_is_blank(name.ptr[name.len - 1]))
        name.len--;
    return name;
}

static int compare_names(struct slice a, struct slice b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int difference = ascii_lower(a.ptr[i]) - ascii_lower(b.ptr[i]);
        if (difference)
            return difference;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_fields(const void *a, const void *b, void *arg)
{
    const struct dkim_fields *fields = arg;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    int order = compare_names(name_at(fields, left), name_at(fields, right));

    if (order)
        return order;
    return left > right ? -1 : left < right;
}

static void add(struct dkim_fields *fields, size_t offset)
{
    if (fields->count == fields->size) {
        fields->size = fields->size ? 2 * fields->size : 32;
        fields->starts = xrealloc(fields->starts, fields->size * sizeof(*fields->starts));
    }
    fields->starts[fields->count++] = (uint32_t)offset;
}

struct dkim_fields *dkim_fields_new(struct slice header)
{
    struct dkim_fields *fields = xcalloc(1, sizeof(*fields));
    struct header_iter iter = header_iterate(header);
    struct header_field field;

    fields->header = header;
    while (header_next(&iter, &field)) {
        if (!field.malformed)
            add(fields, field.offset);
    }
    fields->by_name = xcalloc(fields->count + 1, sizeof(*fields->by_name));
    for (unsigned i = 0; i < fields->count; i++)
        fields->by_name[i] = i;
    qsort_r(fields->by_name, fields->count, sizeof(*fields->by_name), compare_fields, fields);
    return fields;
}

void dkim_fields_free(struct dkim_fields *fields)
{
    if (!fields)
        return;
    free(fields->starts);
    free(fields->by_name);
    free(fields);
}

unsigned dkim_fields_count(const struct dkim_fields *fields)
{
    return fields->count;
}

/* The first place in by_name whose name is not below this one; with `above`, not below or equal. */
static unsigned bisect(const struct dkim_fields *fields, struct slice name, bool above)
{
    unsigned low = 0, high = fields->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = compare_names(name_at(fields, fields->by_name[middle]), name);
        if (order < 0 || (above && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

unsigned dkim_fields_count_of(const struct dkim_fields *fields, struct slice name)
{
    return bisect(fields, name, true) - bisect(fields, name, false);
}

void dkim_fields_select(const struct dkim_fields *fields, struct slice names, unsigned self,
                        enum dkim_canon canon, struct buf *out)
{
    uint32_t *taken = xcalloc(fields->count + 1, sizeof(*taken)); /* beside the first of a name */

    while (names.ptr) {
        struct slice name = dkim_list_cut(&names);
        unsigned first = bisect(fields, name, false);
        unsigned at = first + (first < fields->count ? taken[first] : 0);
        if (at < fields->count && fields->by_name[at] == self) {
            taken[first]++;
            at++;
        }
        if (at >= fields->count || compare_names(name_at(fields, fields->by_name[at]), name) != 0)
            continue;
        taken[first]++;
        dkim_canon_field(canon, dkim_fields_at(fields, fields->by_name[at]).raw, out);
    }
    free(taken);
}

void dkim_fields_add_self(enum dkim_canon canon, struct slice raw, struct slice place,
                          struct buf *out)
{
    size_t before = place.ptr ? (size_t)(place.ptr - raw.ptr) : raw.len;
    struct buf without;

    buf_init(&without, raw.len + 1);
    buf_add_slice(&without, slice_sub(raw, 0, before));
    buf_add_slice(&without, slice_skip(raw, before + place.len));
    dkim_canon_field(canon, buf_slice(&without), out);
    buf_done(&without);
    if (!out->overflow)
        out->len -= 2;
}
