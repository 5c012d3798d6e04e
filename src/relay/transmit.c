/*
 * Few large writes: text is gathered up to TEXT_CHUNK bytes, so that a message of usual size and
 * the end of its text are one system call.
 *
 * The stored text has clean line ends as a rule; BDAT, which promises a number of bytes before
 * they come, is counted again when it has not.
 */
#include "relay/transmit.h"

#include "smtp/dot_stuff.h"

#include <errno.h>

enum { CHUNKS_UNANSWERED = 8 };

static int next_piece(struct text *text, struct slice *ret_piece)
{
    return text_next(text, ret_piece) < 0 ? -EIO : 0;
}

static int flush(struct client *client, struct buf *out, size_t n_text)
{
    int r = client_send(client, buf_slice(out), n_text, CLIENT_BLOCK_MS);
    buf_reset(out);
    return r;
}

int transmit_data(struct client *client, struct text *text, struct buf *out)
{
    struct dot_stuff stuff;
    struct slice piece;

    dot_stuff_init(&stuff, true);
    while (!text_at_end(text)) {
        int r = next_piece(text, &piece);
        if (r == 0 && out->len && out->len + piece.len > TEXT_CHUNK)
            r = flush(client, out, out->len);
        if (r < 0)
            return r;
        dot_stuff_add(&stuff, piece, out);
    }
    dot_stuff_end(&stuff, out);
    return flush(client, out, out->len);
}

/* Reads the replies to chunks until at most `leave` are missing. */
static int read_chunk_replies(struct client *client, unsigned *unanswered, unsigned leave)
{
    for (; *unanswered > leave; --*unanswered) {
        int r = client_read_reply(client, CLIENT_BLOCK_MS);
        if (r < 0)
            return r;
        if (client->reply.code / 100 != 2) {
            client->broken = true;
            return TRANSMIT_REFUSED;
        }
    }
    return 0;
}

static int send_chunk(struct client *client, struct buf *out, struct slice chunk, bool last)
{
    buf_reset(out);
    buf_printf(out, "BDAT %zu%s\r\n", chunk.len, last ? " LAST" : "");
    buf_add_slice(out, chunk);
    return flush(client, out, chunk.len);
}

int transmit_chunks(struct client *client, struct text *text, struct buf *out, bool pipelining)
{
    unsigned unanswered = 0, window = pipelining ? CHUNKS_UNANSWERED : 0;
    struct dot_stuff stuff;
    struct buf chunk;
    bool last = false;
    int r = 0;

    dot_stuff_init(&stuff, false);
    buf_init(&chunk, 2 * TEXT_CHUNK + DOT_STUFF_EXTRA);
    while (r == 0 && !last) {
        struct slice piece;
        buf_reset(&chunk);
        r = next_piece(text, &piece);
        if (r < 0)
            break;
        last = text_at_end(text);
        dot_stuff_add(&stuff, piece, &chunk);
        if (last)
            dot_stuff_end(&stuff, &chunk);
        r = send_chunk(client, out, buf_slice(&chunk), last);
        if (r == 0 && !last) {
            unanswered++;
            r = read_chunk_replies(client, &unanswered, window);
        }
    }
    if (r == 0)
        r = read_chunk_replies(client, &unanswered, 0);
    buf_done(&chunk);
    return r;
}

static int add_clean(struct text *text, struct buf *out)
{
    struct dot_stuff stuff;
    struct slice piece;

    dot_stuff_init(&stuff, false);
    while (!text_at_end(text)) {
        int r = next_piece(text, &piece);
        if (r < 0)
            return r;
        dot_stuff_add(&stuff, piece, out);
    }
    dot_stuff_end(&stuff, out);
    return 0;
}

int transmit_add_whole(struct text *text, struct buf *out, size_t *ret_text)
{
    size_t begin = out->len;
    size_t size = (size_t)text_size(text);

    for (;;) {
        size_t start;
        int r;
        buf_printf(out, "BDAT %zu LAST\r\n", size);
        start = out->len;
        r = add_clean(text, out);
        if (r < 0)
            return r;
        if (out->len - start == size)
            break;
        /* Line ends were mended: the same again with the right number. */
        size = out->len - start;
        out->len = begin;
        text_rewind(text, text->prefix, text->use_reencoded);
    }
    *ret_text = size;
    return 0;
}
