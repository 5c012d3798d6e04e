/*
 * What records, signatures and verdicts quote is written by whoever sends mail. Problems are read
 * in SMTP replies, header fields and terminals, so nothing but printable ASCII gets into them, and
 * not much of it. See printable.h.
 */
#include "trust/printable.h"

struct slice printable_text(struct arena *arena, struct slice text, size_t max)
{
    bool cut = text.len > max;
    size_t len = cut ? max : text.len;
    char *out = arena_alloc(arena, len + 4);

    for (size_t i = 0; i < len; i++)
        out[i] = text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?';
    if (!cut)
        return slice_from(out, len);
    out[len] = out[len + 1] = out[len + 2] = '.';
    return slice_from(out, len + 3);
}
