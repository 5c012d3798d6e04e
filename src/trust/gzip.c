/*
 * gzip by zlib (RFC 1952). See gzip.h; for the other way, inflate.h.
 */
#include "trust/gzip.h"

#include <limits.h>
#include <zlib.h>

enum { CHUNK = 64 * 1024, GZIP_WINDOW = 15 + 16 };

void gzip_pack(struct buf *out, struct slice text)
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
