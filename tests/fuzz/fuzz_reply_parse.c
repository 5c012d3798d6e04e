/* A server's bytes give the same replies however the network cuts them, within the bounds. */
#include "smtp/reply_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_all(struct slice input, size_t piece, struct buf *out)
{
    struct reply_parse reply;
    size_t used;
    int r = REPLY_MORE;

    reply_parse_init(&reply);
    while (input.len && r >= 0) {
        r = reply_parse_add(&reply, slice_sub(input, 0, piece), &used);
        if (r == REPLY_COMPLETE) {
            reply_add_words(out, &reply);
            buf_add_char(out, '\n');
            reply_parse_reset(&reply);
        }
        if (r >= 0)
            input = slice_skip(input, used);
    }
    buf_printf(out, "%d %zu %u", r, input.len ? (size_t)1 : (size_t)0, reply.code);
    reply_parse_done(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, bytes;

    buf_init(&whole, 4 * size + 4096);
    buf_init(&bytes, 4 * size + 4096);
    parse_all(slice_from(data, size), size, &whole);
    parse_all(slice_from(data, size), 1, &bytes);
    if (!slice_eq(buf_slice(&whole), buf_slice(&bytes)) || whole.overflow)
        abort();
    for (size_t i = 0; i < whole.len; i++) {
        unsigned char c = (unsigned char)whole.ptr[i];
        if (c != '\n' && (c < ' ' || c == 0x7f))
            abort();
    }
    buf_done(&whole);
    buf_done(&bytes);
    return 0;
}
