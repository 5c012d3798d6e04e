/*
 * gzip by zlib (RFC 1952). See tlsrpt_mail.h. What a few bytes unpack to is bounded by the buffer,
 * not by what they say of themselves: a bomb costs no more than the largest report.
 */
#include "trust/tlsrpt_mail.h"

#include <limits.h>
#include <zlib.h>

enum { CHUNK = 64 * 1024, GZIP_WINDOW = 15 + 16 };

void tlsrpt_gzip(struct buf *out, struct slice text)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text.ptr, .avail_in = (uInt)text.len};
    int r = Z_OK;

    if (text.len > UINT_MAX || deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                                            Z_DEFAULT_STRATEGY) != Z_OK) {
        out->overflow = true;
        return;
    }
    while (r == Z_OK) {
        char *room = buf_reserve(out, CHUNK);
        if (!room)
            break;
        stream.next_out = (Bytef *)room;
        stream.avail_out = CHUNK;
        r = deflate(&stream, Z_FINISH);
        buf_added(out, CHUNK - stream.avail_out);
    }
    deflateEnd(&stream);
}

bool tlsrpt_gunzip(struct buf *out, struct slice packed)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.ptr, .avail_in = (uInt)packed.len};
    char chunk[CHUNK / 4];
    int r = Z_OK;

    if (packed.len > UINT_MAX || inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return false;
    while (r == Z_OK && !out->overflow) {
        stream.next_out = (Bytef *)chunk;
        stream.avail_out = sizeof(chunk);
        r = inflate(&stream, Z_NO_FLUSH);
        buf_add(out, chunk, sizeof(chunk) - stream.avail_out);
    }
    inflateEnd(&stream);
    return r == Z_STREAM_END && !out->overflow;
}
