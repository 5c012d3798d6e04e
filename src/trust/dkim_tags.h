/*
 * Tag lists (RFC 6376 section 3.2), the form of signatures, ARC's fields and key records:
 *
 *     v=1; a=rsa-sha256; d=example.org; h=from : to;
 *
 * and the values that several of their tags have in common. Pure.
 */
#ifndef NUNCIO_TRUST_DKIM_TAGS_H
#define NUNCIO_TRUST_DKIM_TAGS_H

#include "base/arena.h"
#include "base/buf.h"

/* More is malformed: the RFCs define fewer than fifteen for any list. */
enum { DKIM_TAGS_MAX = 40 };

struct dkim_tag {
    struct slice name, value; /* without the blanks around them; a value may be folded inside */
    struct slice place; /* all between "=" and ";", blanks included: what counts as deleted in b= */
};

struct dkim_tags {
    struct dkim_tag list[DKIM_TAGS_MAX]; /* in their order */
    unsigned count;
};

/* NULL, or what is wrong, for people: also when a tag is there twice, which makes the whole list
 * invalid. Names and values keep their case; slices point into `text`. */
const char *dkim_tags_read(struct slice text, struct dkim_tags *ret_tags);

/* NULL when it is not there. */
const struct dkim_tag *dkim_tags_find(const struct dkim_tags *tags, const char *name);

/* The next element of a list like h=, without the blanks around it; as slice_cut(), until
 * rest->ptr is NULL. */
struct slice dkim_list_cut(struct slice *rest);
/* Is `element` one of them, letter for letter? */
bool dkim_list_has(struct slice list, struct slice element);

/* `value` without its folding white space, from the arena. */
struct slice dkim_without_blanks(struct slice value, struct arena *arena);

/* Base64 with folding white space anywhere and padding that may be missing: the bytes, from the
 * arena. False when there is another byte in it, or a lone last digit. */
bool dkim_base64(struct slice value, struct arena *arena, struct slice *ret_bytes);

/* Digits; a number above `max` is taken for `max` (section 3.5: "infinite"). False when it is none,
 * or longer than 76 digits. */
bool dkim_number(struct slice value, uint64_t max, uint64_t *ret_number);

/* dkim-quoted-printable (section 2.11) into bytes from the arena: folding falls away. False when a
 * "=" is not followed by two hexadecimal digits in upper case. */
bool dkim_unquote(struct slice value, struct arena *arena, struct slice *ret_text);

#endif
