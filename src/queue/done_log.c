/*
 * The events are named by what became of the recipient:
 *
 *   delivered    somebody took it                    deferred     refused for now; `next` says when
 *   refused      for good                            unreachable  nobody answered; `next` likewise
 *   expired      refused or not reached, and that    not-tried    it did not come to it
 *                was its last time
 *
 * Fields that have nothing to say are left out. See done_log.h.
 */
#include "queue/done_log.h"

#include "base/clock.h"
#include "base/log.h"

#include <time.h>

enum { FIELDS_MAX = 20 };

struct fields {
    struct log_field list[FIELDS_MAX];
    size_t n;
};

static void add(struct fields *fields, const char *key, struct slice value)
{
    if (value.len)
        fields->list[fields->n++] = LOG_SLICE(key, value);
}

struct moment {
    char text[32];
};

/* "2026-11-22T10:00:00Z"; empty when the recipient waits for no time. */
static struct moment next_try(struct queue *queue, const struct ledger_recipient *recipient)
{
    struct moment moment = {{0}};
    time_t seconds;
    struct tm tm;

    if (recipient_state(recipient) != RECIPIENT_WAITING || !recipient->at ||
        recipient_flags(recipient) & FLAG_HELD)
        return moment;
    seconds =
        (time_t)(retry_to_wall(queue_now(queue), clock_wall_ms(), retry_from_tick(recipient->at)) /
                 1000);
    if (gmtime_r(&seconds, &tm))
        (void)strftime(moment.text, sizeof(moment.text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return moment;
}

static const char *event_of(const struct done_recipient *recipient, enum recipient_state state,
                            const struct lesson *lesson)
{
    switch (recipient->kind) {
    case DONE_OK:
        return "delivered";
    case DONE_NEVER:
        return state == RECIPIENT_FAILED ? "refused" : "deferred";
    case DONE_LATER:
        if (state == RECIPIENT_FAILED)
            return lesson->stop ? "refused" : "expired";
        return "deferred";
    case DONE_NETWORK:
        return state == RECIPIENT_FAILED ? "expired" : "unreachable";
    case DONE_AGAIN:
        break;
    }
    return state == RECIPIENT_FAILED ? "expired" : "not-tried";
}

void done_log_recipient(struct queue *queue, const struct attempt *attempt,
                        const struct msg_done *done, const struct done_recipient *recipient,
                        const struct lesson *lesson)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    const struct ledger_recipient *state = ledger_recipient(message, recipient->index);
    const struct lane_key *lane = scheduler_lane_of(queue->scheduler, attempt->unit);
    struct message_id_text id = message_id_format(message->id);
    struct moment next = next_try(queue, state);
    struct fields fields = {0};

    if (!log_enabled(LOG_INFO))
        return;
    add(&fields, "message", slice_from_cstr(id.text));
    add(&fields, "to", attempt_address(attempt, recipient->index));
    fields.list[fields.n++] = LOG_INT("recipient", recipient->index);
    add(&fields, "route", lane->name);
    add(&fields, "site", lane->domain);
    add(&fields, "remote", done->remote);
    add(&fields, "source", done->source);
    add(&fields, "tls", done->tls);
    add(&fields, "status", recipient->status);
    add(&fields, "reply", recipient->reply);
    if (lesson->known)
        add(&fields, "class", slice_from_cstr(answer_class_name(lesson->class)));
    add(&fields, "next", slice_from_cstr(next.text));
    fields.list[fields.n++] = LOG_INT("attempts", state->attempts);
    if (done->reused)
        fields.list[fields.n++] = LOG_INT("reused", done->reused);
    fields.list[fields.n++] = LOG_INT("ms", done->duration_ms);
    log_write(LOG_INFO, NULL, event_of(recipient, recipient_state(state), lesson), fields.list,
              fields.n);
}

void done_log_put_off(struct queue *queue, struct message *message, uint32_t index,
                      const struct lane_key *lane)
{
    const struct ledger_recipient *recipient = ledger_recipient(message, index);
    struct message_id_text id = message_id_format(message->id);
    struct moment next = next_try(queue, recipient);

    log_info(NULL, recipient_state(recipient) == RECIPIENT_FAILED ? "expired" : "put-off",
             LOG_STR("message", id.text), LOG_INT("recipient", index),
             LOG_SLICE("route", lane->name), LOG_SLICE("site", lane->domain),
             LOG_SLICE("reply", texts_get(queue->ledger.texts, recipient->reply)),
             LOG_STR("next", next.text));
}
