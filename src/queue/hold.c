/*
 * See hold.h. A recipient that is held stays WAITING, with a flag that the record keeps; its reply
 * says why. One that an attempt has gets the flag alone, and waits when the attempt is over.
 */
#include "queue/hold.h"

#include "queue/extra.h"
#include "queue/settle.h"

bool hold_take_out(struct record *record, uint32_t index)
{
    struct queue *queue = record->queue;
    struct ledger_recipient *recipient = ledger_recipient(record->message, index);
    enum recipient_state state = recipient_state(recipient);

    if (state == RECIPIENT_UNDER_WAY || state == RECIPIENT_FAILED)
        return false;
    if (state == RECIPIENT_PARKED)
        queue->parked--;
    if (state == RECIPIENT_READY)
        scheduler_withdraw(queue->scheduler, recipient->at, 1);
    if (state != RECIPIENT_WAITING)
        settle_again(queue, record->message, index, 0);
    return true;
}

static void set_held(struct queue *queue, struct ledger_recipient *recipient, struct slice why)
{
    recipient_set_flags(recipient, recipient_flags(recipient) | FLAG_HELD);
    if (why.len)
        ledger_set_reply(&queue->ledger, recipient, why);
}

bool hold_recipient(struct record *record, uint32_t index, struct slice why)
{
    struct ledger_recipient *recipient = ledger_recipient(record->message, index);

    if (recipient_flags(recipient) & FLAG_HELD || recipient_state(recipient) == RECIPIENT_FAILED)
        return false;
    hold_take_out(record, index);
    set_held(record->queue, recipient, why);
    record_recipient(record, index, SLICE_NULL);
    return true;
}

bool hold_is_being_told(const struct message *message, uint32_t index)
{
    for (uint32_t i = 0; message->extra && i < message->extra->n_failures; i++) {
        if (message->extra->failures[i].index == index)
            return message->extra->failures[i].told_in != 0;
    }
    return false;
}

/* The sender hears of it as ever. But until that is on disk a restart would try it again. */
static void hold_failed(struct record *record, uint32_t index)
{
    set_held(record->queue, ledger_recipient(record->message, index), SLICE_NULL);
    if (!hold_is_being_told(record->message, index))
        record_recipient(record, index, SLICE_NULL);
}

uint32_t hold_message(struct queue *queue, struct message *message, struct slice why)
{
    struct record record;
    uint32_t n = 0;

    record_begin(queue, message, &record);
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (recipient_is_over(recipient) || recipient_flags(recipient) & FLAG_HELD)
            continue;
        if (recipient_state(recipient) == RECIPIENT_FAILED)
            hold_failed(&record, i);
        else
            n += hold_recipient(&record, i, why);
    }
    record_commit(&record);
    return n;
}

void hold_from_start(struct queue *queue, struct message *message, struct slice why)
{
    for (uint32_t i = 0; i < message->n_recipients; i++)
        set_held(queue, ledger_recipient(message, i), why);
}
