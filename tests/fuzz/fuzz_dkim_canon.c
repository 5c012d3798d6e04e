/* The canonicalisers: a body in pieces, of sizes that the first byte chooses, gives what it gives
 * at once; canonical text is its own canonical text. */
#include "trust/dkim_canon.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void collect(void *arg, struct slice text)
{
    buf_add_slice(arg, text);
}

static void run(enum dkim_canon canon, struct slice text, size_t piece, struct buf *out)
{
    struct dkim_canon_body *body = xmalloc(sizeof(*body));

    buf_init(out, 4 * text.len + 16);
    dkim_canon_body_init(body, canon, collect, out);
    for (size_t at = 0; at < text.len; at += piece)
        dkim_canon_body_feed(body, slice_sub(text, at, piece));
    dkim_canon_body_end(body);
    if (body->size != out->len || out->overflow)
        abort();
    free(body);
}

static void check_body(enum dkim_canon canon, struct slice text, size_t piece)
{
    struct buf whole, pieces, again;

    run(canon, text, text.len + 1, &whole);
    run(canon, text, piece, &pieces);
    run(canon, buf_slice(&whole), text.len + 1, &again);
    if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)) ||
        !slice_eq(buf_slice(&whole), buf_slice(&again)))
        abort();
    buf_done(&whole);
    buf_done(&pieces);
    buf_done(&again);
}

static void check_field(enum dkim_canon canon, struct slice raw)
{
    struct buf once, twice;

    buf_init(&once, 2 * raw.len + 16);
    buf_init(&twice, 4 * raw.len + 16);
    dkim_canon_field(canon, raw, &once);
    dkim_canon_field(canon, buf_slice(&once), &twice);
    if (once.overflow || !slice_eq(buf_slice(&once), buf_slice(&twice)))
        abort();
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_from(data, size);
    size_t piece = size ? 1 + data[0] % 67 : 1;

    for (int canon = DKIM_SIMPLE; canon <= DKIM_RELAXED; canon++) {
        check_body((enum dkim_canon)canon, slice_skip(text, 1), piece);
        if (slice_find(text, ':') >= 0)
            check_field((enum dkim_canon)canon, text);
    }
    return 0;
}
