/*
 * Macros of SPF. See spf_macro.h.
 *
 * The grammar is checked once for the whole text (section 4.6: errors are found before anything is
 * evaluated); the expansion then trusts it. Values come from the message, so they are hostile too:
 * they are cut at delimiters and joined by dots without a list of the parts, in one or two looks at
 * each byte, and an expansion of a name ends at EXPANDED_MAX octets although only the last 253
 * count, so that a record cannot make us shovel megabytes.
 */
#include "trust/spf_macro.h"

#include <errno.h>

enum { EXPANDED_MAX = 16384, PARTS_MAX = 65535 };

/* "%{" letter transformers delimiters "}" */
struct macro {
    char letter; /* lower case */
    bool escape; /* it was upper case */
    bool reverse;
    unsigned parts; /* 0: all */
    struct slice delimiters;
};

/* ---- grammar -------------------------------------------------------------------------------- */

static bool is_alpha(char c)
{
    return ascii_is_alnum(c) && !ascii_is_digit(c);
}

static bool is_delimiter(char c)
{
    return slice_find(SLICE(".-+,/_="), c) >= 0;
}

static const char *read_parts(struct slice *rest, unsigned *ret_parts)
{
    unsigned parts = 0;

    if (rest->len == 0 || !ascii_is_digit(rest->ptr[0]))
        return NULL;
    while (rest->len && ascii_is_digit(rest->ptr[0])) {
        if (parts < PARTS_MAX)
            parts = parts * 10 + (unsigned)(rest->ptr[0] - '0');
        *rest = slice_skip(*rest, 1);
    }
    *ret_parts = parts;
    return parts ? NULL : "a macro cannot take 0 parts";
}

/* Behind "%{". */
static const char *read_macro(struct slice *rest, const char *letters, struct macro *macro)
{
    const char *problem;
    size_t n = 0;

    if (rest->len == 0 || !is_alpha(rest->ptr[0]) || !strchr(letters, ascii_lower(rest->ptr[0])))
        return "there is no such macro letter here";
    *macro = (struct macro){.letter = ascii_lower(rest->ptr[0]), .escape = rest->ptr[0] < 'a'};
    *rest = slice_skip(*rest, 1);
    problem = read_parts(rest, &macro->parts);
    if (problem)
        return problem;
    if (rest->len && ascii_lower(rest->ptr[0]) == 'r') {
        macro->reverse = true;
        *rest = slice_skip(*rest, 1);
    }
    while (n < rest->len && is_delimiter(rest->ptr[n]))
        n++;
    macro->delimiters = slice_sub(*rest, 0, n);
    if (n == rest->len || rest->ptr[n] != '}')
        return "a macro is not closed, or something strange stands in it";
    *rest = slice_skip(*rest, n + 1);
    return NULL;
}

/* What begins with "%"; *ret_literal is what it stands for, or empty when it is a macro. */
static const char *read_percent(struct slice *rest, const char *letters, struct slice *ret_literal,
                                struct macro *macro)
{
    char next = rest->len > 1 ? rest->ptr[1] : '\0';

    *rest = slice_skip(*rest, 2);
    *ret_literal = SLICE_NULL;
    switch (next) {
    case '{':
        return read_macro(rest, letters, macro);
    case '%':
        *ret_literal = SLICE("%");
        return NULL;
    case '_':
        *ret_literal = SLICE(" ");
        return NULL;
    case '-':
        *ret_literal = SLICE("%20");
        return NULL;
    default:
        return "a % is not followed by {, %, _ or -";
    }
}

/* *ret_behind is what follows the last macro-expand, or all when there is none. */
static const char *check_string(struct slice text, const char *letters, bool blanks,
                                struct slice *ret_behind)
{
    struct slice literal;
    struct macro macro;

    *ret_behind = text;
    while (text.len) {
        const char *problem;
        unsigned char c = (unsigned char)text.ptr[0];
        if (c == '%') {
            problem = read_percent(&text, letters, &literal, &macro);
            if (problem)
                return problem;
            *ret_behind = text;
            continue;
        }
        if (c > 126 || c < ' ' || (c == ' ' && !blanks))
            return "it is not all printable ASCII";
        text = slice_skip(text, 1);
    }
    return NULL;
}

static const char *check_toplabel(struct slice label)
{
    bool numeric = true;

    for (size_t i = 0; i < label.len; i++) {
        if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
            return "its name does not end in a top-level domain";
        numeric &= ascii_is_digit(label.ptr[i]);
    }
    if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "its name does not end in a top-level domain";
    return numeric ? "its name ends in a number; an address belongs behind ip4: or ip6:" : NULL;
}

const char *spf_domain_spec_check(struct slice text)
{
    struct slice behind;
    ptrdiff_t dot;
    const char *problem = check_string(text, "slodiphv", false, &behind);

    if (problem)
        return problem;
    if (text.len == 0)
        return "it lacks a name";
    if (behind.len == 0)
        return NULL; /* it ends in a macro */
    if (behind.ptr[behind.len - 1] == '.')
        behind.len--;
    dot = slice_find_last(behind, '.');
    if (dot < 0)
        return "its name has no dot before the top-level domain";
    return check_toplabel(slice_skip(behind, (size_t)dot + 1));
}

const char *spf_macro_string_check(struct slice text)
{
    struct slice behind;

    return check_string(text, "slodiphvcrt", false, &behind);
}

const char *spf_explain_string_check(struct slice text)
{
    struct slice behind;

    return check_string(text, "slodiphvcrt", true, &behind);
}

/* ---- expansion ------------------------------------------------------------------------------ */

static void put(struct spf_expansion *to, const char *bytes, size_t len)
{
    to->total += len;
    if (to->is_name && len > SPF_NAME_MAX + 1) {
        bytes += len - (SPF_NAME_MAX + 1);
        len = SPF_NAME_MAX + 1;
    }
    if (to->is_name && to->len + len > SPF_EXPANSION_MAX) {
        memmove(to->bytes, to->bytes + to->len - (SPF_NAME_MAX + 1), SPF_NAME_MAX + 1);
        to->len = SPF_NAME_MAX + 1;
    }
    if (to->total > EXPANDED_MAX || to->len + len > SPF_EXPANSION_MAX) {
        to->overflow = true;
        return;
    }
    if (len)
        memcpy(to->bytes + to->len, bytes, len);
    to->len += len;
}

static bool is_unreserved(char c)
{
    return ascii_is_alnum(c) || slice_find(SLICE("-._~"), c) >= 0;
}

static void put_part(struct spf_expansion *to, struct slice part, bool escape)
{
    static const char hex[] = "0123456789ABCDEF";

    if (!escape) {
        put(to, part.ptr, part.len);
        return;
    }
    for (size_t i = 0; i < part.len && !to->overflow; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
        if (is_unreserved(part.ptr[i]))
            put(to, part.ptr + i, 1);
        else
            put(to, escaped, sizeof(escaped));
    }
}

static bool separates(const struct macro *macro, char c)
{
    if (macro->delimiters.len == 0)
        return c == '.';
    return slice_find(macro->delimiters, c) >= 0;
}

/* The parts that are taken: of a reversed value the first ones, else the last. */
static struct slice take_parts(const struct macro *macro, struct slice value)
{
    unsigned left = macro->parts;

    if (left == 0)
        return value;
    if (macro->reverse) {
        for (size_t i = 0; i < value.len; i++) {
            if (separates(macro, value.ptr[i]) && --left == 0)
                return slice_sub(value, 0, i);
        }
        return value;
    }
    for (size_t i = value.len; i > 0; i--) {
        if (separates(macro, value.ptr[i - 1]) && --left == 0)
            return slice_skip(value, i);
    }
    return value;
}

static void put_reversed(struct spf_expansion *to, const struct macro *macro, struct slice value)
{
    size_t end = value.len;

    for (size_t i = value.len; i > 0 && !to->overflow; i--) {
        if (!separates(macro, value.ptr[i - 1]))
            continue;
        put_part(to, slice_sub(value, i, end - i), macro->escape);
        put(to, ".", 1);
        end = i - 1;
    }
    put_part(to, slice_sub(value, 0, end), macro->escape);
}

static void put_forward(struct spf_expansion *to, const struct macro *macro, struct slice value)
{
    size_t from = 0;

    for (size_t i = 0; i < value.len && !to->overflow; i++) {
        if (!separates(macro, value.ptr[i]))
            continue;
        put_part(to, slice_sub(value, from, i - from), macro->escape);
        put(to, ".", 1);
        from = i + 1;
    }
    put_part(to, slice_skip(value, from), macro->escape);
}

static void put_macro(struct spf_expansion *to, const struct macro *macro, struct slice value)
{
    value = take_parts(macro, value);
    if (macro->reverse)
        put_reversed(to, macro, value);
    else
        put_forward(to, macro, value);
}

/* Up to the next "%" or the end. */
static struct slice take_literal(struct slice *rest)
{
    ptrdiff_t at = slice_find(*rest, '%');
    struct slice literal = slice_sub(*rest, 0, at < 0 ? rest->len : (size_t)at);

    *rest = slice_skip(*rest, literal.len);
    return literal;
}

static int expand(struct slice text, spf_macro_value *value, void *arg, struct spf_expansion *to)
{
    while (text.len && !to->overflow) {
        struct slice literal = take_literal(&text), found;
        struct macro macro = {0};
        int r;
        put(to, literal.ptr, literal.len);
        if (text.len == 0)
            break;
        (void)read_percent(&text, "slodiphvcrt", &literal, &macro);
        if (!macro.letter) {
            put(to, literal.ptr, literal.len);
            continue;
        }
        r = value(arg, macro.letter, &found);
        if (r)
            return r;
        put_macro(to, &macro, found);
    }
    return 0;
}

static void room_init(struct spf_expansion *room, bool is_name)
{
    room->len = room->total = 0;
    room->overflow = false;
    room->is_name = is_name;
}

/* Whole labels go at the left until it fits. */
static struct slice shorten(struct slice name)
{
    while (name.len > SPF_NAME_MAX) {
        struct slice tail = slice_skip(name, name.len - (SPF_NAME_MAX + 1));
        ptrdiff_t dot = slice_find(tail, '.');
        if (dot < 0)
            return SLICE_NULL; /* a label of more than 253 octets is no name */
        name = slice_skip(tail, (size_t)dot + 1);
    }
    return name;
}

int spf_expand_name(struct slice text, spf_macro_value *value, void *arg,
                    struct spf_expansion *room, struct slice *ret_name)
{
    struct slice name;
    int r;

    room_init(room, true);
    r = expand(text, value, arg, room);
    if (r)
        return r;
    name = room->overflow ? SLICE_NULL : slice_from(room->bytes, room->len);
    if (name.len && name.ptr[name.len - 1] == '.')
        name.len--;
    *ret_name = shorten(name);
    return 0;
}

int spf_expand_text(struct slice text, spf_macro_value *value, void *arg,
                    struct spf_expansion *room, struct slice *ret_text)
{
    int r;

    room_init(room, false);
    r = expand(text, value, arg, room);
    if (r)
        return r;
    if (room->overflow)
        room->len = 0;
    for (size_t i = 0; i < room->len; i++) {
        if (room->bytes[i] < ' ' || room->bytes[i] > 126)
            room->bytes[i] = '?';
    }
    *ret_text = slice_from(room->bytes, room->len);
    return 0;
}
