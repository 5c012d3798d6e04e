/*
 * queue.retry, hold, release, bounce and remove: what the administrator does with mail.
 *
 * A recipient in the middle of an attempt cannot be taken back: held means not tried again after
 * it; removed and bounced hold for the case that the attempt does not succeed. Failed ones, whose
 * DSN is on its way, are left alone.
 */
#include "queue/commands.h"

#include "base/log.h"
#include "queue/expand.h"
#include "queue/extra.h"
#include "queue/filter.h"
#include "queue/hold.h"
#include "queue/notice.h"
#include "queue/record.h"
#include "queue/settle.h"

/* Changes one recipient; true when it did. The record gets what must outlive a restart. */
typedef bool change_one(struct record *record, uint32_t index);

static void add_flags(struct ledger_recipient *recipient, unsigned flags)
{
    recipient_set_flags(recipient, recipient_flags(recipient) | flags);
}

static bool change_retry(struct record *record, uint32_t index)
{
    const struct ledger_recipient *recipient = ledger_recipient(record->message, index);

    if (recipient_state(recipient) != RECIPIENT_WAITING || recipient_flags(recipient) & FLAG_HELD)
        return false;
    settle_again(record->queue, record->message, index, 0);
    return true;
}

static bool change_hold(struct record *record, uint32_t index)
{
    return hold_recipient(record, index, SLICE_NULL);
}

static bool change_release(struct record *record, uint32_t index)
{
    struct ledger_recipient *recipient = ledger_recipient(record->message, index);
    bool parked = recipient_state(recipient) == RECIPIENT_PARKED;

    if (!parked && !(recipient_flags(recipient) & FLAG_HELD))
        return false;
    recipient_set_flags(recipient, recipient_flags(recipient) & ~(unsigned)FLAG_HELD);
    if (hold_take_out(record, index))
        settle_again(record->queue, record->message, index, 0);
    if (!hold_is_being_told(record->message, index))
        record_recipient(record, index, SLICE_NULL);
    return true;
}

static bool change_bounce(struct record *record, uint32_t index)
{
    struct ledger_recipient *recipient = ledger_recipient(record->message, index);
    struct words words = {.status = STATUS(5, 7, 0),
                          .reply = SLICE("the administrator gave the delivery up")};

    if (hold_take_out(record, index))
        settle_never(record->queue, record->message, index, &words);
    else if (recipient_state(recipient) == RECIPIENT_UNDER_WAY)
        add_flags(recipient, FLAG_BOUNCE_NEXT);
    else
        return false;
    return true;
}

static bool change_remove(struct record *record, uint32_t index)
{
    struct ledger_recipient *recipient = ledger_recipient(record->message, index);

    if (hold_take_out(record, index)) {
        ledger_set_state(record->message, index, RECIPIENT_REMOVED, 0);
        record_recipient(record, index, SLICE("removed by the administrator"));
    } else if (recipient_state(recipient) == RECIPIENT_UNDER_WAY) {
        add_flags(recipient, FLAG_REMOVE_NEXT);
    } else {
        return false;
    }
    return true;
}

static change_one *find_change(const char *command)
{
    static const struct {
        const char *name;
        change_one *change;
    } changes[] = {{"queue.retry", change_retry},
                   {"queue.hold", change_hold},
                   {"queue.release", change_release},
                   {"queue.bounce", change_bounce},
                   {"queue.remove", change_remove}};

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (strcmp(changes[i].name, command) == 0)
            return changes[i].change;
    }
    return NULL;
}

static void log_change(const struct command_run *run, const struct message *message, uint32_t n)
{
    log_info(NULL, "changed", LOG_STR("message", message_id_format(message->id).text),
             LOG_STR("by", run->command->name), LOG_INT("recipients", n));
}

static void change_message(struct command_run *run, const struct filter *filter, change_one *change,
                           struct message *message)
{
    struct queue *queue = run->queue;
    struct envelope envelope;
    struct record record;
    uint32_t n = 0;

    arena_reset(&queue->scratch);
    if (filter_needs_envelope(filter)) {
        if (spool_store_envelope(queue->store, message->location, &queue->scratch, &envelope) < 0 ||
            !filter_takes_message(filter, &envelope))
            return;
    }
    record_begin(queue, message, &record);
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (filter_takes_recipient(filter, message, &envelope, i))
            n += change(&record, i);
    }
    if (!n)
        return;
    record_commit(&record);
    notice_check(queue, message);
    run->messages++;
    run->recipients += n;
    log_change(run, message, n);
}

static enum command_state end_change(struct command_run *run)
{
    command_answer(run, json_pack("{s:I,s:I,s:b}", "messages", (json_int_t)run->messages,
                                  "recipients", (json_int_t)run->recipients, "end", 1));
    return COMMAND_THROUGH;
}

enum command_state queue_change_step(struct command_run *run)
{
    change_one *change = find_change(run->command->name);
    struct filter filter;
    const char *wrong = filter_read(run->request, &filter);
    struct message *message;

    if (wrong)
        return command_fail(run, wrong);
    if (!filter_is_given(&filter))
        return command_fail(run, "say which: an id, a sender, a recipient, a domain, or all");
    if (change == change_retry && run->cursor == 0)
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
