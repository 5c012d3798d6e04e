/*
 * See pattern.h. The usual way without recursion: on a mismatch the last star takes one byte more.
 * Earlier stars need no second thought, since what stood between them was found as early as it can.
 */
#include "queue/pattern.h"

bool pattern_fits(struct slice pattern, struct slice text)
{
    size_t p = 0, t = 0, star = pattern.len, from = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len && ascii_lower(pattern.ptr[p]) == ascii_lower(text.ptr[t])) {
            p++;
            t++;
        } else if (star < pattern.len) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool pattern_is_in(struct slice part, struct slice text)
{
    for (size_t at = 0; at + part.len <= text.len; at++) {
        if (slice_starts_with_nocase(slice_skip(text, at), part))
            return true;
    }
    return false;
}
