/* See lane_name.h. */
#include "queue/lane_name.h"

#include "queue/pattern.h"

enum { NAME_MAX_BYTES = 1024 };

static struct slice first_part(const struct lane_key *key)
{
    switch (key->way) {
    case WAY_MAILDIR:
        return SLICE("maildir");
    case WAY_PROGRAM:
        return SLICE("program");
    case WAY_ROUTE:
        break;
    }
    return key->name;
}

static struct slice second_part(const struct lane_key *key)
{
    return key->way == WAY_PROGRAM ? key->name : key->domain;
}

void lane_name_add(struct buf *out, const struct lane_key *key)
{
    struct slice second = second_part(key);

    buf_add_slice(out, first_part(key));
    if (second.len) {
        buf_add_char(out, '/');
        buf_add_slice(out, second);
    }
}

bool lane_name_fits(struct slice pattern, const struct lane_key *key)
{
    struct buf name;
    bool fits;

    if (slice_find(pattern, '/') < 0)
        return pattern_fits(pattern, first_part(key));
    buf_init(&name, NAME_MAX_BYTES);
    lane_name_add(&name, key);
    fits = pattern_fits(pattern, buf_slice(&name));
    buf_done(&name);
    return fits;
}
