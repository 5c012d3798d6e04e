/* Growing buffers and the allocation calls that abort. See buf.h for the invariants. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_SIZE = 256 };

static void *or_abort(void *ptr)
{
    if (!ptr) {
        fputs("nuncio: out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *xmalloc(size_t size)
{
    return or_abort(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *ptr, size_t size)
{
    return or_abort(realloc(ptr, size ? size : 1));
}

char *xstrdup(const char *cstr)
{
    return or_abort(strdup(cstr));
}

char *xslicedup(struct slice s)
{
    char *copy = xmalloc(s.len + 1);

    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
    free(buf->ptr);
    buf_init(buf, buf->max);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
}

char *buf_reserve(struct buf *buf, size_t len)
{
    if (buf->overflow || len > buf->max - buf->len) {
        buf->overflow = true;
        return NULL;
    }
    if (len > buf->size - buf->len) {
        size_t size = buf->size ? buf->size : BUF_FIRST_SIZE;
        while (size < buf->len + len)
            size *= 2;
        if (size > buf->max)
            size = buf->max;
        buf->ptr = xrealloc(buf->ptr, size);
        buf->size = size;
    }
    return buf->ptr + buf->len;
}

void buf_added(struct buf *buf, size_t len)
{
    assert(len <= buf->size - buf->len);
    buf->len += len;
}

void buf_add(struct buf *buf, const void *ptr, size_t len)
{
    char *to;

    if (len == 0)
        return;
    to = buf_reserve(buf, len);
    if (!to)
        return;
    memcpy(to, ptr, len);
    buf->len += len;
}

void buf_add_slice(struct buf *buf, struct slice s)
{
    buf_add(buf, s.ptr, s.len);
}

void buf_add_cstr(struct buf *buf, const char *cstr)
{
    buf_add(buf, cstr, strlen(cstr));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    int len;
    char *to;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0) {
        buf->overflow = true;
        return;
    }
    /* One byte more than the text, for the NUL that vsnprintf writes. */
    to = buf_reserve(buf, (size_t)len + 1);
    if (!to)
        return;
    vsnprintf(to, (size_t)len + 1, format, args);
    buf->len += (size_t)len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_drop_front(struct buf *buf, size_t n)
{
    assert(n <= buf->len);
    buf->len -= n;
    if (n && buf->len)
        memmove(buf->ptr, buf->ptr + n, buf->len);
}

struct slice buf_slice(const struct buf *buf)
{
    return slice_from(buf->ptr, buf->len);
}
