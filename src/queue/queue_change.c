/*
 * queue.retry, hold, release, bounce, remove and reroute: what the administrator does with mail.
 * With "dry" it is counted and nothing is done.
 *
 * A recipient in the middle of an attempt cannot be taken back: held means not tried again after
 * it; removed and bounced hold for the case that the attempt does not succeed. Failed ones, whose
 * DSN is on its way, are left alone.
 */
#include "queue/commands.h"

#include "base/log.h"
#include "queue/extra.h"
#include "queue/filter.h"
#include "queue/hold.h"
#include "queue/notice.h"
#include "queue/record.h"
#include "queue/route.h"
#include "queue/settle.h"

/* What is done: may it be done to this recipient, and then how. The record gets what must outlive a
 * restart. */
struct change {
    const char *command;
    bool (*may)(const struct command_run *run, struct message *message,
                const struct envelope *envelope, uint32_t index);
    void (*make)(const struct command_run *run, struct record *record, uint32_t index);
    bool needs_envelope;
};

static void add_flags(struct ledger_recipient *recipient, unsigned flags)
{
    recipient_set_flags(recipient, recipient_flags(recipient) | flags);
}

static bool may_retry(const struct command_run *run, struct message *message,
                      const struct envelope *envelope, uint32_t index)
{
    const struct ledger_recipient *recipient = ledger_recipient(message, index);

    (void)run;
    (void)envelope;
    return recipient_state(recipient) == RECIPIENT_WAITING &&
           !(recipient_flags(recipient) & FLAG_HELD);
}

static void make_retry(const struct command_run *run, struct record *record, uint32_t index)
{
    settle_again(run->queue, record->message, index, 0);
}

static bool may_hold(const struct command_run *run, struct message *message,
                     const struct envelope *envelope, uint32_t index)
{
    const struct ledger_recipient *recipient = ledger_recipient(message, index);

    (void)run;
    (void)envelope;
    return recipient_state(recipient) != RECIPIENT_FAILED &&
           !(recipient_flags(recipient) & FLAG_HELD);
}

static void make_hold(const struct command_run *run, struct record *record, uint32_t index)
{
    (void)run;
    hold_recipient(record, index, SLICE_NULL);
}

static bool may_release(const struct command_run *run, struct message *message,
                        const struct envelope *envelope, uint32_t index)
{
    const struct ledger_recipient *recipient = ledger_recipient(message, index);

    (void)run;
    (void)envelope;
    return recipient_state(recipient) == RECIPIENT_PARKED || recipient_flags(recipient) & FLAG_HELD;
}

static void make_release(const struct command_run *run, struct record *record, uint32_t index)
{
    struct ledger_recipient *recipient = ledger_recipient(record->message, index);

    recipient_set_flags(recipient, recipient_flags(recipient) & ~(unsigned)FLAG_HELD);
    if (hold_take_out(record, index))
        settle_again(run->queue, record->message, index, 0);
    if (!hold_is_being_told(record->message, index))
        record_recipient(record, index, SLICE_NULL);
}

static bool may_end(const struct command_run *run, struct message *message,
                    const struct envelope *envelope, uint32_t index)
{
    (void)run;
    (void)envelope;
    return recipient_state(ledger_recipient(message, index)) != RECIPIENT_FAILED;
}

static void make_bounce(const struct command_run *run, struct record *record, uint32_t index)
{
    struct words words = {.status = STATUS(5, 7, 0),
                          .reply = SLICE("the administrator gave the delivery up")};

    if (hold_take_out(record, index))
        settle_never(run->queue, record->message, index, &words);
    else
        add_flags(ledger_recipient(record->message, index), FLAG_BOUNCE_NEXT);
}

static void make_remove(const struct command_run *run, struct record *record, uint32_t index)
{
    (void)run;
    if (hold_take_out(record, index)) {
        ledger_set_state(record->message, index, RECIPIENT_REMOVED, 0);
        record_recipient(record, index, SLICE("removed by the administrator"));
    } else {
        add_flags(ledger_recipient(record->message, index), FLAG_REMOVE_NEXT);
    }
}

/* The route that queue.reroute names; empty: the configuration's again. */
static struct slice route_of(const struct command_run *run)
{
    const json_t *to = json_object_get(run->request, "to");

    return slice_from(json_string_value(to), json_string_length(to));
}

static bool may_reroute(const struct command_run *run, struct message *message,
                        const struct envelope *envelope, uint32_t index)
{
    return may_end(run, message, envelope, index) &&
           !slice_eq(extra_route(message, index), route_of(run)) &&
           route_may_change(run->queue->config, extra_recipient(message, envelope, index));
}

/* A held one stays held; one that is under way goes the new way if it is tried again. */
static void make_reroute(const struct command_run *run, struct record *record, uint32_t index)
{
    extra_set_route(record->message, index, route_of(run));
    if (hold_take_out(record, index))
        settle_again(run->queue, record->message, index, 0);
    record_recipient(record, index, SLICE_NULL);
}

static const struct change *find_change(const char *command)
{
    static const struct change changes[] = {{"queue.retry", may_retry, make_retry, false},
                                            {"queue.hold", may_hold, make_hold, false},
                                            {"queue.release", may_release, make_release, false},
                                            {"queue.bounce", may_end, make_bounce, false},
                                            {"queue.remove", may_end, make_remove, false},
                                            {"queue.reroute", may_reroute, make_reroute, true}};
    size_t i = 0;

    while (strcmp(changes[i].command, command) != 0)
        i++;
    return &changes[i];
}

static bool is_dry(const struct command_run *run)
{
    return json_is_true(json_object_get(run->request, "dry"));
}

static void log_change(const struct command_run *run, const struct message *message, uint32_t n)
{
    struct message_id_text id = message_id_format(message->id);
    struct slice route = route_of(run);

    if (route.len)
        log_info(NULL, "changed", LOG_STR("message", id.text), LOG_STR("by", run->command->name),
                 LOG_INT("uid", run->uid), LOG_SLICE("route", route), LOG_INT("recipients", n));
    else
        log_info(NULL, "changed", LOG_STR("message", id.text), LOG_STR("by", run->command->name),
                 LOG_INT("uid", run->uid), LOG_INT("recipients", n));
}

static bool read_envelope(struct queue *queue, const struct filter *filter,
                          const struct message *message, struct envelope *ret_envelope)
{
    if (spool_store_envelope(queue->store, message->location, &queue->scratch, ret_envelope) < 0)
        return false;
    extra_apply_routes(message, ret_envelope);
    return filter_takes_message(filter, ret_envelope);
}

static void change_message(struct command_run *run, const struct filter *filter,
                           const struct change *change, struct message *message)
{
    struct queue *queue = run->queue;
    bool dry = is_dry(run);
    struct envelope envelope;
    struct record record;
    uint32_t n = 0;

    if (!filter_may_take(filter, queue, message, queue_now(queue)))
        return;
    arena_reset(&queue->scratch);
    if ((change->needs_envelope || filter_needs_envelope(filter)) &&
        !read_envelope(queue, filter, message, &envelope))
        return;
    record_begin(queue, message, &record);
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (!filter_takes_recipient(filter, queue, message, &envelope, i) ||
            !change->may(run, message, &envelope, i))
            continue;
        if (!dry)
            change->make(run, &record, i);
        n++;
    }
    run->messages += n > 0;
    run->recipients += n;
    if (!n || dry)
        return;
    record_commit(&record);
    notice_check(queue, message);
    log_change(run, message, n);
}

static enum command_state end_change(struct command_run *run)
{
    command_answer(run, json_pack("{s:I,s:I,s:b,s:b}", "messages", (json_int_t)run->messages,
                                  "recipients", (json_int_t)run->recipients, "dry", is_dry(run),
                                  "end", 1));
    return COMMAND_THROUGH;
}

/* NULL, or what is wrong with the request beyond its filter. */
static const char *check(const struct command_run *run, const struct filter *filter,
                         const struct change *change)
{
    const json_t *to = json_object_get(run->request, "to");
    struct slice route = route_of(run);

    if (!filter_is_given(filter))
        return "say which: an id, a sender, a recipient, a domain, a lane, an age, a reply, a "
               "state, "
               "or all";
    if (change->make == make_reroute && !json_is_string(to))
        return "queue.reroute needs a route: \"to\"";
    if (route.len && !config_find_route(run->queue->config, route))
        return "the configuration has no such route";
    return NULL;
}

enum command_state queue_change_step(struct command_run *run)
{
    const struct change *change = find_change(run->command->name);
    struct filter filter;
    const char *wrong = filter_read(run->request, &filter);
    struct message *message;

    if (!wrong)
        wrong = check(run, &filter, change);
    if (wrong)
        return command_fail(run, wrong);
    if (change->make == make_retry && run->cursor == 0 && !is_dry(run))
        scheduler_probe_now(run->queue->scheduler);
    if (filter.has_id) {
        message = ledger_find(&run->queue->ledger, filter.id);
        if (!message)
            return command_fail_unknown(run, filter.id);
        change_message(run, &filter, change, message);
        return end_change(run);
    }
    for (unsigned n = 0; n < COMMAND_SLICE; n++) {
        message = ledger_next(&run->queue->ledger, &run->cursor);
        if (!message)
            return end_change(run);
        change_message(run, &filter, change, message);
    }
    return COMMAND_GOES_ON;
}
