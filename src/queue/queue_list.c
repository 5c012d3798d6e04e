/*
 * queue.list and queue.show: messages and recipients as JSON, a line each.
 *
 *   {"message":{"id":...,"sender":...,"size":...,"received_ms":...,"recipients":[...],...}}
 *   {"recipient":{...}}                                        queue.show alone
 *   {"messages":N,"recipients":N,"bytes":N,...,"end":true}
 *
 * queue.list gives the oldest first, at most "limit" of them, and at most LISTED_RECIPIENTS
 * recipients with each, saying how many there are; with "brief" it says less of each message.
 * queue.show gives each recipient on a line of its own. Times are wall time in milliseconds.
 *
 * The first step of a list notes the ids of all messages that may fit and sorts them, which for
 * 100,000 takes some tens of milliseconds; the others read COMMAND_SLICE envelopes each. A message
 * that goes meanwhile is left out, one that comes is not listed.
 */
#include "queue/commands.h"

#include "base/clock.h"
#include "mail/header.h"
#include "queue/extra.h"
#include "queue/filter.h"
#include "queue/json_out.h"
#include "queue/queue_json.h"
#include "queue/suspend.h"

#include <unistd.h>

enum { LISTED_RECIPIENTS = 10, HEADER_MAX = 32 * 1024 };

static bool read_envelope(struct queue *queue, struct message *message, struct envelope *envelope)
{
    arena_reset(&queue->scratch);
    if (spool_store_envelope(queue->store, message->location, &queue->scratch, envelope) < 0)
        return false;
    extra_apply_routes(message, envelope);
    return true;
}

/* ---- queue.list ---------------------------------------------------------------------------- */

/* The recipients' array: how many fit. The first few are written. */
static uint32_t put_recipients(struct command_run *run, const struct filter *filter,
                               struct message *message, const struct envelope *envelope)
{
    uint32_t n = 0;

    json_out_key(run->out, "recipients");
    buf_add_char(run->out, '[');
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (!filter_takes_recipient(filter, run->queue, message, envelope, i))
            continue;
        if (n > 0 && n < LISTED_RECIPIENTS)
            buf_add_char(run->out, ',');
        if (n++ < LISTED_RECIPIENTS)
            queue_json_recipient(run->out, run->queue, message, envelope, i, false);
    }
    buf_add_char(run->out, ']');
    return n;
}

static bool any_fits(struct queue *queue, const struct filter *filter, struct message *message,
                     const struct envelope *envelope)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (filter_takes_recipient(filter, queue, message, envelope, i))
            return true;
    }
    return false;
}

/* The message's line, if a recipient of it fits. */
static void list_message(struct command_run *run, const struct filter *filter,
                         struct message *message)
{
    struct envelope envelope;
    uint32_t n;

    if (!read_envelope(run->queue, message, &envelope) ||
        !filter_takes_message(filter, &envelope) ||
        !any_fits(run->queue, filter, message, &envelope))
        return;
    buf_add_cstr(run->out, "{\"message\":{");
    queue_json_message(run->out, message, &envelope,
                       json_is_true(json_object_get(run->request, "brief")));
    n = put_recipients(run, filter, message, &envelope);
    json_out_number(run->out, "n_fit", n);
    buf_add_cstr(run->out, "}}\n");
    run->messages++;
    run->recipients += n;
    run->bytes += envelope.size;
}

static int by_age(const void *a, const void *b)
{
    const struct command_id *x = a, *y = b;

    if (x->born != y->born)
        return x->born < y->born ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void note_ids(struct command_run *run, const struct filter *filter)
{
    struct queue *queue = run->queue;
    uint64_t now = queue_now(queue);
    struct message *message;
    uint32_t handle = 0;

    run->ids = xcalloc((size_t)queue->ledger.messages.live + 1, sizeof(*run->ids));
    while ((message = ledger_next(&queue->ledger, &handle))) {
        if ((!filter->has_id || message->id == filter->id) &&
            filter_may_take(filter, queue, message, now))
            run->ids[run->n_ids++] = (struct command_id){.id = message->id, .born = message->born};
    }
    qsort(run->ids, run->n_ids, sizeof(*run->ids), by_age);
}

static enum command_state end_list(struct command_run *run, bool more)
{
    unsigned suspensions = suspensions_count(run->queue->suspensions);

    buf_add_char(run->out, '{');
    json_out_number(run->out, "messages", run->messages);
    json_out_number(run->out, "recipients", run->recipients);
    json_out_number(run->out, "bytes", run->bytes);
    if (suspensions)
        json_out_number(run->out, "suspensions", suspensions);
    if (more)
        json_out_true(run->out, "more");
    json_out_true(run->out, "end");
    buf_add_cstr(run->out, "}\n");
    return COMMAND_THROUGH;
}

enum command_state queue_list_step(struct command_run *run)
{
    json_int_t limit = json_integer_value(json_object_get(run->request, "limit"));
    struct filter filter;
    const char *wrong = filter_read(run->request, &filter);

    if (wrong)
        return command_fail(run, wrong);
    if (!run->ids)
        note_ids(run, &filter);
    for (unsigned n = 0; n < COMMAND_SLICE; n++) {
        struct message *message;
        if (run->at_id == run->n_ids)
            return end_list(run, false);
        if (limit > 0 && run->messages >= (uint64_t)limit)
            return end_list(run, true);
        message = ledger_find(&run->queue->ledger, run->ids[run->at_id++].id);
        if (message)
            list_message(run, &filter, message);
    }
    return COMMAND_GOES_ON;
}

/* ---- queue.show ---------------------------------------------------------------------------- */

/* The header section, or as many of its whole lines as HEADER_MAX bytes hold. */
static struct slice read_header(struct queue *queue, const struct message *message)
{
    struct spool_text text;
    struct header_iter iter;
    struct header_field field;
    size_t want;
    char *bytes;
    ssize_t n;

    if (spool_store_text(queue->store, message->location, &text) < 0)
        return SLICE_NULL;
    want = text.length < HEADER_MAX ? (size_t)text.length : HEADER_MAX;
    bytes = arena_alloc(&queue->scratch, want + 1);
    n = pread(text.fd, bytes, want, (off_t)text.offset);
    spool_store_text_done(queue->store, &text);
    iter = header_iterate(slice_from(bytes, n > 0 ? (size_t)n : 0));
    while (header_next(&iter, &field))
        ;
    return slice_from(bytes, iter.at < want ? iter.at : want);
}

static void show_message(struct command_run *run, const struct message *message,
                         const struct envelope *envelope)
{
    buf_add_cstr(run->out, "{\"message\":{");
    queue_json_message(run->out, message, envelope, false);
    queue_json_details(run->out, run->queue, message, envelope);
    json_out_text(run->out, "header", read_header(run->queue, message));
    buf_add_cstr(run->out, "}}\n");
}

enum command_state queue_show_step(struct command_run *run)
{
    struct filter filter;
    const char *wrong = filter_read(run->request, &filter);
    struct message *message;
    struct envelope envelope;

    if (wrong || !filter.has_id)
        return command_fail(run, wrong ? wrong : "queue.show needs an id");
    message = ledger_find(&run->queue->ledger, filter.id);
    if (!message)
        return command_fail_unknown(run, filter.id);
    if (!read_envelope(run->queue, message, &envelope))
        return command_fail(run, "the message cannot be read from the spool");
    if (run->recipient == 0)
        show_message(run, message, &envelope);
    for (unsigned n = 0; n < COMMAND_SLICE; n++, run->recipient++) {
        if (run->recipient >= message->n_recipients) {
            run->messages = 1;
            return end_list(run, false);
        }
        buf_add_cstr(run->out, "{\"recipient\":");
        queue_json_recipient(run->out, run->queue, message, &envelope, run->recipient, true);
        buf_add_cstr(run->out, "}\n");
        run->recipients++;
    }
    return COMMAND_GOES_ON;
}
