/*
 * Walks over the fields of a header section without changing or copying them. See header.h.
 *
 * A field ends where a line begins that is not blank at its first byte; the section ends at the
 * first line that is empty. Names are judged by RFC 5322 section 3.6.8, with the blanks that
 * section 4.5 allows before the colon. Nothing here looks at what a value means.
 */
#include "mail/header.h"

struct header_iter header_iterate(struct slice message)
{
    return (struct header_iter){.message = message};
}

/* Offset behind the line that begins at `at`. */
static size_t line_end(struct slice message, size_t at)
{
    ptrdiff_t len = slice_find(slice_skip(message, at), '\n');

    return len < 0 ? message.len : at + (size_t)len + 1;
}

/* Length of an empty line here, or 0. */
static size_t empty_line(struct slice message, size_t at)
{
    struct slice rest = slice_skip(message, at);

    if (rest.len && rest.ptr[0] == '\n')
        return 1;
    return rest.len > 1 && rest.ptr[0] == '\r' && rest.ptr[1] == '\n' ? 2 : 0;
}

static struct slice without_line_end(struct slice text)
{
    if (text.len && text.ptr[text.len - 1] == '\n') {
        text.len--;
        if (text.len && text.ptr[text.len - 1] == '\r')
            text.len--;
    }
    return text;
}

/* The name before the colon; empty when this is no field. */
static struct slice field_name(struct slice raw, size_t *ret_colon)
{
    size_t at = 0;
    size_t len;

    while (at < raw.len && raw.ptr[at] > ' ' && raw.ptr[at] < 127 && raw.ptr[at] != ':')
        at++;
    len = at;
    while (at < raw.len && ascii_is_blank(raw.ptr[at]))
        at++;
    if (len == 0 || at == raw.len || raw.ptr[at] != ':')
        return SLICE_NULL;
    *ret_colon = at;
    return slice_sub(raw, 0, len);
}

bool header_next(struct header_iter *iter, struct header_field *ret_field)
{
    struct header_field field = {.offset = iter->at};
    size_t end = iter->at;
    size_t colon = 0;

    if (iter->at >= iter->message.len || empty_line(iter->message, iter->at))
        return false;
    do {
        end = line_end(iter->message, end);
    } while (end < iter->message.len && ascii_is_blank(iter->message.ptr[end]));
    field.raw = slice_sub(iter->message, iter->at, end - iter->at);
    field.name = field_name(field.raw, &colon);
    field.malformed = field.name.len == 0;
    if (!field.malformed)
        field.value = slice_skip(without_line_end(field.raw), colon + 1);
    iter->at = end;
    *ret_field = field;
    return true;
}

size_t header_section_size(struct slice message)
{
    struct header_iter iter = header_iterate(message);
    struct header_field field;

    while (header_next(&iter, &field))
        ;
    return iter.at + empty_line(message, iter.at);
}

bool header_find(struct slice message, struct slice name, struct header_field *ret_field)
{
    struct header_iter iter = header_iterate(message);
    struct header_field field;

    while (header_next(&iter, &field)) {
        if (slice_eq_nocase(field.name, name)) {
            *ret_field = field;
            return true;
        }
    }
    return false;
}

size_t header_count(struct slice message, struct slice name)
{
    struct header_iter iter = header_iterate(message);
    struct header_field field;
    size_t count = 0;

    while (header_next(&iter, &field))
        count += slice_eq_nocase(field.name, name);
    return count;
}

struct slice header_unfold(struct arena *arena, struct slice value)
{
    char *to;
    size_t len = 0;

    if (slice_find(value, '\n') < 0)
        return slice_trim(value);
    to = arena_alloc(arena, value.len);
    for (size_t i = 0; i < value.len; i++) {
        if (empty_line(value, i) == 0)
            to[len++] = value.ptr[i];
        else
            i += empty_line(value, i) - 1;
    }
    return slice_trim(slice_from(to, len));
}
