/*
 * See notice.h. What has been handed to the spool is marked in the failure; record.c drops
 * it when it is on disk, or takes the mark away when it could not be written.
 */
#include "queue/notice.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/bounce.h"
#include "queue/extra.h"
#include "queue/failures.h"
#include "queue/route.h"
#include "queue/settle.h"
#include "queue/whither.h"

enum { SWEEP_SLICE = 1000, SWEEP_AFTER_MS = 10 * 60 * 1000 };

/* ---- double bounces that fail -------------------------------------------------------------- */

static void hold_failure(struct record *record, struct failure *failure)
{
    struct ledger_recipient *recipient = ledger_recipient(record->message, failure->index);

    recipient_set_flags(recipient, recipient_flags(recipient) | FLAG_HELD);
    ledger_set_state(record->message, failure->index, RECIPIENT_WAITING, 0);
    record_recipient(record, failure->index, failure->reply);
}

/* The configured postmaster's mail cannot be delivered: it goes to the mailbox of our own. That one
 * fails only by a mistake, and then the message waits for the administrator. */
static void save_double_bounce(struct queue *queue, struct message *message,
                               const struct envelope *envelope)
{
    struct message_extra *extra = message->extra;
    struct failure *failure = &extra->failures[0];
    const struct recipient *failed = extra_recipient(message, envelope, failure->index);
    struct recipient *own = arena_alloc(&queue->scratch, sizeof(*own));
    struct message_id_text id = message_id_format(message->id);
    struct record record;

    *own = (struct recipient){
        .address = ROUTE_POSTMASTER, .via = failed->address, .class = CLASS_LOCAL};
    record_begin(queue, message, &record);
    log_error(NULL, "double-bounce-failed", LOG_STR("message", id.text),
              LOG_SLICE("to", failed->address), LOG_SLICE("reply", failure->reply));
    if (failed->via.len) {
        hold_failure(&record, failure);
    } else {
        ledger_set_state(message, failure->index, RECIPIENT_EXPANDED, 0);
        record_recipient(&record, failure->index, failure->reply);
        record_added(&record, own, 1, message->n_recipients);
        extra_add_recipients(message, own, 1);
        ledger_add_recipients(message, 1);
    }
    extra->n_failures = 0;
    extra->gather_until = 0;
    record_commit(&record);
}

/* ---- failures ------------------------------------------------------------------------------ */

static bool is_for_postmaster(const struct envelope *envelope)
{
    return slice_eq(envelope->listener, BOUNCE_DOUBLE_LISTENER) ||
           slice_eq(envelope->listener, BOUNCE_NOTICE_LISTENER);
}

static void tell_failures(struct queue *queue, struct message *message)
{
    struct message_extra *extra = message->extra;
    struct envelope envelope;
    struct record record;
    struct bounce bounce = {.original = &envelope, .location = message->location};
    struct dsn_recipient *list;
    size_t n;

    if (queue_read_envelope(queue, message, &envelope) < 0)
        return;
    if (is_for_postmaster(&envelope) && extra->n_failures == 1) {
        save_double_bounce(queue, message, &envelope);
        return;
    }
    n = failures_list(message, &envelope, NULL);
    queue->counters.double_bounces += n && !envelope.reverse_path.len;
    if (n && envelope.reverse_path.len &&
        !bouncerate_ask(queue->bouncerate, envelope.reverse_path, message->id,
                        queue->config->queue.bounces_per_sender, queue_now(queue))) {
        extra->gather_until = UINT64_MAX;
        return;
    }
    list = arena_alloc(&queue->scratch, n * sizeof(*list) + 1);
    bounce.n_recipients = failures_list(message, &envelope, list);
    bounce.recipients = list;
    record_begin(queue, message, &record);
    failures_tell(&record, 0);
    if (n)
        bounce_add(&record, &bounce);
    record_commit(&record);
}

static bool is_untried(const struct ledger_recipient *recipient)
{
    switch (recipient_state(recipient)) {
    case RECIPIENT_READY:
    case RECIPIENT_UNDER_WAY:
        return true;
    case RECIPIENT_WAITING:
        return !recipient->attempts && !(recipient_flags(recipient) & FLAG_HELD);
    default:
        return false;
    }
}

static bool all_tried(struct message *message)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (is_untried(ledger_recipient(message, i)))
            return false;
    }
    return true;
}

static void check_failures(struct queue *queue, struct message *message)
{
    struct message_extra *extra = message->extra;
    uint64_t now = queue_now(queue);
    bool any = false;

    for (uint32_t i = 0; i < extra->n_failures; i++) {
        if (extra->failures[i].told_in)
            return; /* one record at a time; record.c calls again */
        any = true;
    }
    if (!any || extra->gather_until == UINT64_MAX)
        return;
    if (!extra->gather_until)
        extra->gather_until = now + queue->config->queue.gather_ms;
    if (now >= extra->gather_until || all_tried(message))
        tell_failures(queue, message);
    else
        ledger_set_due(&queue->ledger, message, extra->gather_until);
}

/* ---- delay --------------------------------------------------------------------------------- */

/* Fresh mail in a lane is not: it would be put into the timetable for nothing. */
static bool is_delayed(const struct ledger_recipient *recipient)
{
    enum recipient_state state = recipient_state(recipient);

    bool waits_again =
        (state == RECIPIENT_WAITING || state == RECIPIENT_READY) && recipient->attempts;

    return (waits_again || state == RECIPIENT_SUSPENDED) &&
           !(recipient_flags(recipient) & (FLAG_WARNED | FLAG_HELD));
}

/* Its lane does not let it go. */
static bool is_stuck(const struct ledger_recipient *recipient)
{
    return recipient_state(recipient) == RECIPIENT_READY &&
           !(recipient_flags(recipient) & FLAG_WARNED);
}

static bool any_delayed(struct message *message)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (is_delayed(ledger_recipient(message, i)))
            return true;
    }
    return false;
}

/* The server of the lane: the first host of the site or of the route. What each attempt's server
 * was called is not kept. */
static struct slice delaying_server(struct queue *queue, struct message *message,
                                    const struct envelope *envelope, uint32_t index)
{
    const struct config_route *route;
    struct lane_key lane;
    struct slice site;

    if (!whither(queue, message, envelope, index, &lane) || lane.way != WAY_ROUTE)
        return SLICE_NULL;
    site = lane.domain;
    if (site.len)
        return arena_dup(&queue->scratch, slice_cut(&site, '+'));
    route = config_find_route(queue->config, lane.name);
    return route && route->hosts.count ? route->hosts.list[0].host : SLICE_NULL;
}

static struct dsn_recipient tell_delay(struct queue *queue, struct message *message,
                                       const struct envelope *envelope, uint32_t index)
{
    const struct recipient *recipient = extra_recipient(message, envelope, index);
    uint64_t expires =
        retry_from_tick(message->born) + settle_expire_after_ms(queue, recipient->address);
    struct slice words = texts_get(queue->ledger.texts, ledger_recipient(message, index)->reply);
    bool is_reply = failures_is_reply(words);

    return (struct dsn_recipient){
        .action = DSN_DELAYED,
        .address = recipient->address,
        .orcpt = recipient->orcpt,
        .remote_mta = is_reply ? delaying_server(queue, message, envelope, index) : SLICE_NULL,
        .diagnostic = words,
        .smtp = is_reply,
        .last_attempt_ms = clock_wall_ms(),
        .retry_until_ms = retry_to_wall(queue_now(queue), clock_wall_ms(), expires)};
}

/* All that wait are marked, also those who did not want to hear of it, so that this is done once.
 */
static void tell_delays(struct queue *queue, struct message *message, bool stuck_too)
{
    struct envelope envelope;
    struct record record;
    struct bounce bounce = {.original = &envelope, .location = message->location};
    struct dsn_recipient *list =
        arena_alloc(&queue->scratch, message->n_recipients * sizeof(*list));

    if (queue_read_envelope(queue, message, &envelope) < 0)
        return;
    record_begin(queue, message, &record);
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        struct ledger_recipient *recipient = ledger_recipient(message, i);
        const struct recipient *from = extra_recipient(message, &envelope, i);
        if (!is_delayed(recipient) && !(stuck_too && is_stuck(recipient)))
            continue;
        recipient_set_flags(recipient, recipient_flags(recipient) | FLAG_WARNED);
        record_recipient(&record, i, SLICE_NULL);
        if (envelope.reverse_path.len && dsn_wanted(from->notify, DSN_DELAYED))
            list[bounce.n_recipients++] = tell_delay(queue, message, &envelope, i);
    }
    bounce.recipients = list;
    if (bounce.n_recipients)
        bounce_add(&record, &bounce);
    record_commit(&record);
}

static void check_delays(struct queue *queue, struct message *message)
{
    uint64_t warn_at = retry_from_tick(message->born) + queue->rules.warn_after_ms;

    if (!any_delayed(message))
        return;
    if (queue_now(queue) >= warn_at)
        tell_delays(queue, message, false);
    else
        ledger_set_due(&queue->ledger, message, warn_at);
}

void notice_check(struct queue *queue, struct message *message)
{
    if (message->extra && message->extra->n_failures)
        check_failures(queue, message);
    if (message->n_open)
        check_delays(queue, message);
}

static bool any_stuck(struct message *message)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (is_stuck(ledger_recipient(message, i)))
            return true;
    }
    return false;
}

void notice_sweep(struct queue *queue)
{
    uint64_t now = queue_now(queue);

    if (now < QUEUE_TIME_START + SWEEP_AFTER_MS)
        return;
    for (unsigned n = 0; n < SWEEP_SLICE; n++) {
        struct message *message = ledger_next(&queue->ledger, &queue->sweep_cursor);
        if (!message) {
            queue->sweep_cursor = 0;
            return;
        }
        if (now < retry_from_tick(message->born) + queue->rules.warn_after_ms ||
            !any_stuck(message))
            continue;
        arena_reset(&queue->scratch);
        tell_delays(queue, message, true);
    }
}

/* ---- success ------------------------------------------------------------------------------- */

static enum dsn_action action_of(const struct record *record, const struct notice_success *success)
{
    const struct ledger_recipient *recipient = ledger_recipient(record->message, success->index);

    if (success->expanded)
        return DSN_EXPANDED;
    return recipient_state(recipient) == RECIPIENT_RELAYED ? DSN_RELAYED : DSN_DELIVERED;
}

void notice_add_success(struct record *record, const struct envelope *envelope,
                        const struct notice_success *list, uint32_t n)
{
    struct bounce bounce = {.original = envelope, .location = record->message->location};
    struct dsn_recipient *tell = arena_alloc(&record->queue->scratch, n * sizeof(*tell) + 1);

    for (uint32_t i = 0; i < n && envelope->reverse_path.len; i++) {
        const struct recipient *recipient =
            extra_recipient(record->message, envelope, list[i].index);
        enum dsn_action action = action_of(record, &list[i]);
        if (!dsn_wanted(recipient->notify, action))
            continue;
        tell[bounce.n_recipients++] =
            (struct dsn_recipient){.action = action,
                                   .address = recipient->address,
                                   .orcpt = recipient->orcpt,
                                   .remote_mta = failures_server_name(list[i].remote),
                                   .diagnostic = list[i].reply,
                                   .smtp = list[i].remote.len > 0,
                                   .last_attempt_ms = clock_wall_ms()};
    }
    bounce.recipients = tell;
    if (bounce.n_recipients)
        bounce_add(record, &bounce);
}
