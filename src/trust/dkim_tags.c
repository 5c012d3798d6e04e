/*
 * Tag lists, cut at their semicolons. See dkim_tags.h.
 *
 * RFC 6376 section 6.1.1 asks verifiers to be meticulous, so the grammar of section 3.2 is kept to:
 * names are letters, digits and "_" and begin with a letter; a tag has a "="; nothing is empty but
 * what follows a final ";"; a name is there once. Values are printable; bytes above 127 are let
 * through because RFC 8616 has UTF-8 in them and notes in key records are written in anything.
 *
 * Folding white space is blanks with line ends between them. A CR or LF that is not followed by a
 * blank cannot come out of a header field, but stands in DNS records; it is as blank as a blank.
 */
#include "trust/dkim_tags.h"

#include "mail/encoding.h"

#include <string.h>

enum { NUMBER_DIGITS_MAX = 76 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name(struct slice name)
{
    if (name.len == 0 || !ascii_is_alnum(name.ptr[0]) || ascii_is_digit(name.ptr[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '_')
            return false;
    }
    return true;
}

static bool is_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < ' ' && !is_blank((char)c)) || c == 127)
            return false;
    }
    return true;
}

static const char *read_tag(struct slice text, struct dkim_tags *tags)
{
    struct dkim_tag tag = {.place = text};

    tag.name = slice_trim(slice_cut(&tag.place, '='));
    if (!tag.place.ptr)
        return "a tag has no \"=\"";
    tag.value = slice_trim(tag.place);
    if (!is_name(tag.name))
        return "a tag's name is none";
    if (!is_value(tag.value))
        return "a tag's value has control bytes";
    for (unsigned i = 0; i < tags->count; i++) {
        if (slice_eq(tags->list[i].name, tag.name))
            return "a tag is there twice";
    }
    if (tags->count == DKIM_TAGS_MAX)
        return "there are too many tags";
    tags->list[tags->count++] = tag;
    return NULL;
}

const char *dkim_tags_read(struct slice text, struct dkim_tags *ret_tags)
{
    ret_tags->count = 0;
    while (text.ptr) {
        struct slice spec = slice_cut(&text, ';');
        const char *wrong;
        if (!text.ptr && slice_trim(spec).len == 0 && ret_tags->count)
            return NULL;
        wrong = read_tag(spec, ret_tags);
        if (wrong)
            return wrong;
    }
    return ret_tags->count ? NULL : "there are no tags";
}

const struct dkim_tag *dkim_tags_find(const struct dkim_tags *tags, const char *name)
{
    for (unsigned i = 0; i < tags->count; i++) {
        if (slice_eq(tags->list[i].name, slice_from_cstr(name)))
            return &tags->list[i];
    }
    return NULL;
}

struct slice dkim_list_cut(struct slice *rest)
{
    return slice_trim(slice_cut(rest, ':'));
}

bool dkim_list_has(struct slice list, struct slice element)
{
    while (list.ptr) {
        if (slice_eq(dkim_list_cut(&list), element))
            return true;
    }
    return false;
}

struct slice dkim_without_blanks(struct slice value, struct arena *arena)
{
    char *to = arena_alloc(arena, value.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (!is_blank(value.ptr[i]))
            to[len++] = value.ptr[i];
    }
    return slice_from(to, len);
}

bool dkim_base64(struct slice value, struct arena *arena, struct slice *ret_bytes)
{
    struct slice digits = dkim_without_blanks(value, arena);
    struct buf bytes;
    size_t padding = 0;
    size_t strange = 0;

    while (padding < 2 && digits.len && digits.ptr[digits.len - 1] == '=') {
        digits.len--;
        padding++;
    }
    if (slice_find(digits, '=') >= 0)
        return false;
    buf_init(&bytes, digits.len + 1);
    base64_decode(&bytes, digits, &strange);
    *ret_bytes = arena_dup(arena, buf_slice(&bytes));
    buf_done(&bytes);
    return strange == 0;
}

bool dkim_number(struct slice value, uint64_t max, uint64_t *ret_number)
{
    if (value.len == 0 || value.len > NUMBER_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!ascii_is_digit(value.ptr[i]))
            return false;
    }
    if (!slice_parse_u64(value, max, ret_number))
        *ret_number = max;
    return true;
}

static int hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dkim_unquote(struct slice value, struct arena *arena, struct slice *ret_text)
{
    struct slice text = dkim_without_blanks(value, arena);
    char *to = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        to[len] = text.ptr[i];
        if (text.ptr[i] == '=') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            to[len] = (char)(high << 4 | low);
            i += 2;
        }
        len++;
    }
    *ret_text = slice_from(to, len);
    return true;
}
