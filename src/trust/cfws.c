/* See cfws.h. */
#include "trust/cfws.h"

bool cfws_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool cfws_is_control(char c)
{
    return (c >= 0 && c < ' ') || c == 127;
}

bool cfws_at(const struct cfws_cursor *cursor, char byte)
{
    return cursor->rest.len && cursor->rest.ptr[0] == byte;
}

bool cfws_take(struct cfws_cursor *cursor, char byte)
{
    if (!cfws_at(cursor, byte))
        return false;
    cursor->rest = slice_skip(cursor->rest, 1);
    return true;
}

void cfws_expect(struct cfws_cursor *cursor, char byte)
{
    cursor->bad |= !cfws_take(cursor, byte);
    cfws_skip(cursor);
}

static void skip_comment(struct cfws_cursor *cursor)
{
    size_t depth = 0, i;

    for (i = 0; i < cursor->rest.len; i++) {
        char byte = cursor->rest.ptr[i];
        if (byte == '\\')
            i++;
        else if (byte == '(')
            depth++;
        else if (byte == ')' && --depth == 0)
            break;
    }
    cursor->bad |= i >= cursor->rest.len;
    cursor->rest = slice_skip(cursor->rest, i + 1);
}

bool cfws_skip(struct cfws_cursor *cursor)
{
    size_t before = cursor->rest.len;

    while (cursor->rest.len && !cursor->bad) {
        if (cfws_at(cursor, '('))
            skip_comment(cursor);
        else if (cfws_is_space(cursor->rest.ptr[0]))
            cursor->rest = slice_skip(cursor->rest, 1);
        else
            break;
    }
    return cursor->rest.len < before;
}

struct slice cfws_run(struct cfws_cursor *cursor, struct slice ends)
{
    struct slice start = cursor->rest;
    size_t n = 0;

    while (n < start.len && !cfws_is_space(start.ptr[n]) && !cfws_is_control(start.ptr[n]) &&
           slice_find(ends, start.ptr[n]) < 0)
        n++;
    cursor->rest = slice_skip(start, n);
    return slice_sub(start, 0, n);
}
