/*
 * Text from spool to mailbox. See text.h.
 *
 * The conversion walks from CR to CR with memchr() and moves what lies between, in the buffer that
 * the text was read into: one copy from the page cache, one within the processor's cache, one into
 * the file. A piece never ends in CR unless the text does: the byte is left for the next read.
 */
#include "local/text.h"

#include <errno.h>
#include <unistd.h>

ssize_t text_read(struct text_reader *reader, char *chunk)
{
    size_t want = reader->left < TEXT_CHUNK ? (size_t)reader->left : TEXT_CHUNK;
    size_t got = 0;

    while (got < want) {
        ssize_t n = pread(reader->fd, chunk + got, want - got, (off_t)(reader->offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        got += (size_t)n;
    }
    if (want < reader->left && chunk[got - 1] == '\r')
        got--;
    reader->offset += got;
    reader->left -= got;
    return (ssize_t)got;
}

static uint64_t count_lf(const char *bytes, size_t len)
{
    uint64_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += bytes[i] == '\n';
    return count;
}

size_t text_to_lf(char *bytes, size_t len, uint64_t *lines)
{
    const char *from = bytes, *end = bytes + len;
    char *to = bytes;
    uint64_t already_long = 0; /* CR CR LF becomes CR LF, which is long enough */

    while (from < end) {
        size_t left = (size_t)(end - from);
        const char *cr = memchr(from, '\r', left);
        size_t keep = cr ? (size_t)(cr - from) : left;
        bool pair = cr && cr + 1 < end && cr[1] == '\n';
        if (cr && !pair)
            keep++;
        if (to != from)
            memmove(to, from, keep);
        to += keep;
        from += keep + (pair ? 1 : 0);
        if (pair && to > bytes && to[-1] == '\r')
            already_long++;
    }
    *lines += count_lf(bytes, (size_t)(to - bytes)) - already_long;
    return (size_t)(to - bytes);
}

/* An address comes from a parser that lets no control character pass; a header must not depend on
 * that. */
static void add_clean(struct buf *out, struct slice address)
{
    for (size_t i = 0; i < address.len; i++) {
        unsigned char c = (unsigned char)address.ptr[i];
        buf_add_char(out, c < 0x20 || c == 0x7f ? '?' : address.ptr[i]);
    }
}

void text_add_trace(struct buf *out, struct slice reverse_path, struct slice recipient,
                    struct slice via)
{
    buf_add_cstr(out, "Return-Path: <");
    add_clean(out, reverse_path);
    buf_add_cstr(out, ">\nDelivered-To: ");
    add_clean(out, recipient);
    buf_add_char(out, '\n');
    if (via.len && !slice_eq_nocase(via, recipient)) {
        buf_add_cstr(out, "Delivered-To: ");
        add_clean(out, via);
        buf_add_char(out, '\n');
    }
}

bool text_was_delivered_to(struct slice text, struct slice address)
{
    struct slice field = SLICE("delivered-to:");

    while (text.len) {
        struct slice line = slice_cut(&text, '\n');
        if (line.len == 0 || line.ptr[0] == '\r')
            return false;
        if (!slice_starts_with_nocase(line, field))
            continue;
        line = slice_trim(slice_skip(line, field.len));
        if (line.len > 2 && line.ptr[0] == '<' && line.ptr[line.len - 1] == '>')
            line = slice_sub(line, 1, line.len - 2);
        if (slice_eq_nocase(line, address))
            return true;
    }
    return false;
}
