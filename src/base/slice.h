/*
 * A slice is a view of bytes that somebody else owns: pointer and length, passed by value.
 *
 * A slice is never NUL-terminated by promise; print it with "%.*s" and SLICE_ARG(). The empty slice
 * may have a NULL pointer. Comparisons "nocase" fold ASCII letters only, never by locale, because
 * that is what the mail RFCs mean by case-insensitive.
 */
#ifndef NUNCIO_BASE_SLICE_H
#define NUNCIO_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(literal) ((struct slice){.ptr = (literal), .len = sizeof(literal) - 1})
/* The same for static tables, where C wants a constant initialiser. */
#define SLICE_INIT(literal)                                                                        \
    {                                                                                              \
        .ptr = (literal), .len = sizeof(literal) - 1                                               \
    }
#define SLICE_NULL   ((struct slice){.ptr = NULL, .len = 0})
#define SLICE_ARG(s) (int)(s).len, (s).ptr

struct slice slice_from(const void *ptr, size_t len);
/* From a C string; NULL gives the empty slice. */
struct slice slice_from_cstr(const char *cstr);

bool slice_eq(struct slice a, struct slice b);
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_starts_with_nocase(struct slice s, struct slice prefix);
bool slice_ends_with_nocase(struct slice s, struct slice suffix);
/* Bytewise order, the shorter first; <0, 0, >0. */
int slice_cmp(struct slice a, struct slice b);

/* Offset of the first (last) such byte, or -1. */
ptrdiff_t slice_find(struct slice s, char byte);
ptrdiff_t slice_find_last(struct slice s, char byte);

/* The part from `from` on, of at most `len` bytes; clipped to the slice, never out of bounds. */
struct slice slice_sub(struct slice s, size_t from, size_t len);
struct slice slice_skip(struct slice s, size_t n);
/* Without the blanks (space, tab, CR, LF) at both ends. */
struct slice slice_trim(struct slice s);

/*
 * Cuts the next piece up to `separator` off *rest and returns it. *rest.ptr becomes NULL after the
 * last piece, so that "while (rest.ptr)" visits each piece once, an empty last one too.
 */
struct slice slice_cut(struct slice *rest, char separator);

/* The whole slice as a decimal number without sign: false for empty, other bytes, or > max. */
bool slice_parse_u64(struct slice s, uint64_t max, uint64_t *ret_value);

/* FNV-1a with a final mix; for hash tables within one process. */
uint64_t slice_hash(struct slice s);

char ascii_lower(char c);
bool ascii_is_alnum(char c);
bool ascii_is_digit(char c);
bool ascii_is_blank(char c); /* space or tab */

#endif
