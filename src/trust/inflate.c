/* See inflate.h. */
#include "trust/inflate.h"

#include <limits.h>
#include <zlib.h>

enum { CHUNK = 16 * 1024 };

static bool is_bomb(const z_stream *stream)
{
    return stream->total_out > INFLATE_RATIO_FREE &&
           stream->total_out / INFLATE_RATIO_MAX > stream->total_in;
}

bool inflate_bounded(struct buf *out, struct slice packed, int window)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.ptr, .avail_in = (uInt)packed.len};
    char chunk[CHUNK];
    int r = Z_OK;

    if (packed.len > UINT_MAX || inflateInit2(&stream, window) != Z_OK)
        return false;
    while (r == Z_OK && !out->overflow && !is_bomb(&stream)) {
        stream.next_out = (Bytef *)chunk;
        stream.avail_out = sizeof(chunk);
        r = inflate(&stream, Z_NO_FLUSH);
        buf_add(out, chunk, sizeof(chunk) - stream.avail_out);
    }
    inflateEnd(&stream);
    return r == Z_STREAM_END && !out->overflow;
}
