/*
 * queue.text: the whole text of a message, in lines {"base64":...} of TEXT_PIECE bytes, since a
 * text may have bytes that JSON cannot carry; then {"bytes":N,"end":true}.
 */
#include "queue/commands.h"

#include "mail/encoding.h"
#include "queue/filter.h"
#include "queue/json_out.h"

#include <unistd.h>

enum { TEXT_PIECE = 48 * 1024 };

/* Of the piece at run->bytes; -1: it cannot be read. */
static ssize_t read_piece(struct command_run *run, const struct message *message, char *to)
{
    struct queue *queue = run->queue;
    struct spool_text text;
    uint64_t left;
    ssize_t n = 0;

    if (spool_store_text(queue->store, message->location, &text) < 0)
        return -1;
    left = text.length > run->bytes ? text.length - run->bytes : 0;
    if (left)
        n = pread(text.fd, to, left < TEXT_PIECE ? (size_t)left : TEXT_PIECE,
                  (off_t)(text.offset + run->bytes));
    spool_store_text_done(queue->store, &text);
    return n;
}

static void put_piece(struct buf *out, struct slice piece)
{
    buf_add_cstr(out, "{\"base64\":\"");
    base64_encode_line(out, piece);
    buf_add_cstr(out, "\"}\n");
}

enum command_state queue_text_step(struct command_run *run)
{
    struct filter filter;
    const char *wrong = filter_read(run->request, &filter);
    struct message *message;
    char *piece;
    ssize_t n;

    if (wrong || !filter.has_id)
        return command_fail(run, wrong ? wrong : "queue.text needs an id");
    message = ledger_find(&run->queue->ledger, filter.id);
    if (!message)
        return command_fail_unknown(run, filter.id);
    arena_reset(&run->queue->scratch);
    piece = arena_alloc(&run->queue->scratch, TEXT_PIECE);
    n = read_piece(run, message, piece);
    if (n < 0)
        return command_fail(run, "the message cannot be read from the spool");
    if (n > 0) {
        put_piece(run->out, slice_from(piece, (size_t)n));
        run->bytes += (uint64_t)n;
        return COMMAND_GOES_ON;
    }
    buf_add_char(run->out, '{');
    json_out_number(run->out, "bytes", run->bytes);
    json_out_true(run->out, "end");
    buf_add_cstr(run->out, "}\n");
    return COMMAND_THROUGH;
}
