/*
 * queue.list and queue.show: messages and recipients as JSON, a line each.
 *
 *   {"message":{"id":...,"sender":...,"size":...,"received_ms":...,"recipients":[...],...}}
 *   {"recipient":{...}}                                        queue.show alone
 *   {"messages":N,"end":true}
 *
 * queue.list gives at most LISTED_RECIPIENTS recipients with each message, and says how many there
 * are; queue.show gives each on a line of its own. Times are wall time in milliseconds.
 */
#include "queue/commands.h"

#include "base/clock.h"
#include "queue/extra.h"
#include "queue/filter.h"

enum { LISTED_RECIPIENTS = 10 };

/* Attacker-made bytes may be no UTF-8, which JSON cannot carry: those become U+FFFD. */
static json_t *text_json(struct slice text)
{
    json_t *json = json_stringn(text.len ? text.ptr : "", text.len);
    struct buf clean;

    if (json)
        return json;
    buf_init(&clean, 3 * text.len);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x80)
            buf_add_char(&clean, text.ptr[i]);
        else
            buf_add_cstr(&clean, "\xef\xbf\xbd");
    }
    json = json_stringn(clean.ptr, clean.len);
    buf_done(&clean);
    return json;
}

static json_t *number_json(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *recipient_json(struct queue *queue, struct message *message,
                              const struct envelope *envelope, uint32_t index)
{
    const struct ledger_recipient *state = ledger_recipient(message, index);
    const struct recipient *recipient = extra_recipient(message, envelope, index);
    json_t *json = json_pack("{s:i,s:o,s:s,s:i}", "index", (int)index, "address",
                             text_json(recipient->address), "state", filter_state_name(state),
                             "attempts", (int)state->attempts);

    if (recipient_state(state) == RECIPIENT_PARKED || recipient_flags(state) & FLAG_HELD)
        json_object_set_new(
            json, "held_by",
            json_string(recipient_flags(state) & FLAG_HELD ? "administrator" : "configuration"));
    if (recipient->via.len)
        json_object_set_new(json, "via", text_json(recipient->via));
    if (state->reply)
        json_object_set_new(json, "reply", text_json(texts_get(queue->ledger.texts, state->reply)));
    if (recipient_state(state) == RECIPIENT_WAITING && state->at)
        json_object_set_new(json, "next_ms",
                            number_json(retry_to_wall(queue_now(queue), clock_wall_ms(),
                                                      retry_from_tick(state->at))));
    return json;
}

static json_t *message_json(struct message *message, const struct envelope *envelope)
{
    struct message_id_text id = message_id_format(message->id);

    return json_pack("{s:s,s:o,s:o,s:o,s:i,s:i,s:i,s:o,s:o,s:o}", "id", id.text, "sender",
                     text_json(envelope->reverse_path), "size", number_json(envelope->size),
                     "received_ms", number_json(envelope->received_ms), "n_recipients",
                     (int)message->n_recipients, "n_open", (int)message->n_open, "priority",
                     (int)envelope->priority, "listener", text_json(envelope->listener), "client",
                     text_json(envelope->client_address), "login", text_json(envelope->login));
}

static bool read_envelope(struct queue *queue, struct message *message, struct envelope *envelope)
{
    arena_reset(&queue->scratch);
    return spool_store_envelope(queue->store, message->location, &queue->scratch, envelope) == 0;
}

/* The message's line, if a recipient of it fits. */
static void list_message(struct command_run *run, const struct filter *filter,
                         struct message *message)
{
    struct queue *queue = run->queue;
    struct envelope envelope;
    json_t *list;

    if (!message->n_open || !read_envelope(queue, message, &envelope) ||
        !filter_takes_message(filter, &envelope))
        return;
    list = json_array();
    for (uint32_t i = 0; i < message->n_recipients && json_array_size(list) < LISTED_RECIPIENTS;
         i++) {
        if (filter_takes_recipient(filter, message, &envelope, i))
            json_array_append_new(list, recipient_json(queue, message, &envelope, i));
    }
    if (json_array_size(list)) {
        json_t *json = message_json(message, &envelope);
        json_object_set(json, "recipients", list);
        command_answer(run, json_pack("{s:o}", "message", json));
        run->messages++;
    }
    json_decref(list);
}

static enum command_state end_list(struct command_run *run)
{
    command_answer(run, json_pack("{s:I,s:b}", "messages", (json_int_t)run->messages, "end", 1));
    return COMMAND_THROUGH;
}

enum command_state queue_list_step(struct command_run *run)
{
    struct filter filter;
    const char *wrong = filter_read(run->request, &filter);
    struct message *message;

    if (wrong)
        return command_fail(run, wrong);
    if (filter.has_id) {
        message = ledger_find(&run->queue->ledger, filter.id);
        if (message)
            list_message(run, &filter, message);
        return end_list(run);
    }
    for (unsigned n = 0; n < COMMAND_SLICE; n++) {
        message = ledger_next(&run->queue->ledger, &run->cursor);
        if (!message)
            return end_list(run);
        list_message(run, &filter, message);
    }
    return COMMAND_GOES_ON;
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
        command_answer(run, json_pack("{s:o}", "message", message_json(message, &envelope)));
    for (unsigned n = 0; n < COMMAND_SLICE; n++, run->recipient++) {
        if (run->recipient >= message->n_recipients) {
            run->messages = 1;
            return end_list(run);
        }
        command_answer(run,
                       json_pack("{s:o}", "recipient",
                                 recipient_json(run->queue, message, &envelope, run->recipient)));
    }
    return COMMAND_GOES_ON;
}
