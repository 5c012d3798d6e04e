/*
 * A growing byte buffer with a bound and a sticky error.
 *
 * Invariants: len <= size; ptr is NULL only while size is 0. Once an addition would pass `max`, the
 * buffer keeps what it had, `overflow` stays set, and later additions do nothing: write ten pieces,
 * check once. Out of memory aborts the process (every input is bounded before it gets here).
 */
#ifndef NUNCIO_BASE_BUF_H
#define NUNCIO_BASE_BUF_H

#include "base/slice.h"

#include <stdarg.h>

struct buf {
    char *ptr;
    size_t len;
    size_t size;
    size_t max;
    bool overflow;
};

void buf_init(struct buf *buf, size_t max);
/* Frees the memory; the buffer may be used again as after init. */
void buf_done(struct buf *buf);
/* Forgets the content and the overflow, keeps the memory. */
void buf_reset(struct buf *buf);

void buf_add(struct buf *buf, const void *ptr, size_t len);
void buf_add_slice(struct buf *buf, struct slice s);
void buf_add_cstr(struct buf *buf, const char *cstr);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args);

/* Room for `len` more bytes, to be written by the caller and claimed with buf_added(); NULL and
 * overflow when that would pass max. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);

/* Drops the first n bytes and moves the rest to the front. */
void buf_drop_front(struct buf *buf, size_t n);

/* A view of the content, good until the next addition. */
struct slice buf_slice(const struct buf *buf);

/* malloc and friends that abort when memory is out. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t size);
char *xstrdup(const char *cstr);
char *xslicedup(struct slice s); /* NUL-terminated copy */

#endif
