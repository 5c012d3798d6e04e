/* See settle.h. */
#include "queue/settle.h"

#include "mail/address.h"
#include "queue/extra.h"

enum { PROBE_SPREAD_PART = 30 /* of the first retry delay */ };

static void wait_until(struct queue *queue, struct message *message, uint32_t index, uint64_t at)
{
    uint32_t tick = retry_tick(at);

    if (message->extra && tick == message->extra->sites_at)
        tick++; /* that one says what the recipient waits for */
    ledger_set_state(message, index, RECIPIENT_WAITING, tick);
    ledger_set_due(&queue->ledger, message, retry_from_tick(tick));
}

static void count_attempt(struct ledger_recipient *recipient)
{
    if (recipient->attempts < UINT8_MAX)
        recipient->attempts++;
}

uint64_t settle_expire_after_ms(const struct queue *queue, struct slice address)
{
    const struct config_domain *domain = config_find_domain(queue->config, address_domain(address));

    return domain && domain->expire_after_ms ? domain->expire_after_ms
                                             : queue->rules.expire_after_ms;
}

static uint64_t expire_after_ms(struct queue *queue, struct message *message, uint32_t index)
{
    uint64_t ms = queue->rules.expire_after_ms;
    struct envelope envelope;
    struct arena arena; /* not the scratch one: this may come once for each of many recipients */

    arena_init(&arena);
    if (spool_store_envelope(queue->store, message->location, &arena, &envelope) == 0)
        ms = settle_expire_after_ms(queue, extra_recipient(message, &envelope, index)->address);
    arena_done(&arena);
    return ms;
}

/* The envelope is read only when the answer is not the same for all. */
static bool has_expired(struct queue *queue, struct message *message, uint32_t index, uint64_t now)
{
    uint64_t born = retry_from_tick(message->born), age = now > born ? now - born : 0;

    if (!age || age < queue->expire_least_ms)
        return false;
    if (age >= queue->expire_most_ms)
        return true;
    return age >= expire_after_ms(queue, message, index);
}

void settle_note_age(struct queue *queue, const struct message *message)
{
    uint64_t now = queue_now(queue), born = retry_from_tick(message->born);

    histogram_add_ms(&queue->times.age, now > born ? now - born : 0);
}

void settle_never(struct queue *queue, struct message *message, uint32_t index,
                  const struct words *words)
{
    struct failure failure = {
        .index = index, .status = words->status, .reply = words->reply, .remote = words->remote};

    if (recipient_is_over(ledger_recipient(message, index)))
        return;
    extra_add_failure(message, &failure);
    ledger_set_reply(&queue->ledger, ledger_recipient(message, index), words->reply);
    ledger_set_state(message, index, RECIPIENT_FAILED, 0);
    queue->counters.failed++;
    settle_note_age(queue, message);
}

static void expire(struct queue *queue, struct message *message, uint32_t index,
                   const struct words *words)
{
    struct words last = *words;

    last.status = STATUS(4, 4, 7);
    if (!last.reply.len)
        last.reply = SLICE("the message could not be delivered in time");
    settle_never(queue, message, index, &last);
}

/* What the administrator has said while the attempt was under way. */
static bool is_given_up(struct queue *queue, struct message *message, uint32_t index,
                        const struct words *words)
{
    unsigned flags = recipient_flags(ledger_recipient(message, index));

    if (flags & FLAG_REMOVE_NEXT)
        ledger_set_state(message, index, RECIPIENT_REMOVED, 0);
    else if (flags & FLAG_BOUNCE_NEXT)
        settle_never(queue, message, index, words);
    return flags & (FLAG_REMOVE_NEXT | FLAG_BOUNCE_NEXT);
}

/* False when that was the end. */
static bool count_failure(struct queue *queue, struct message *message, uint32_t index,
                          const struct words *words)
{
    struct ledger_recipient *recipient = ledger_recipient(message, index);

    if (is_given_up(queue, message, index, words))
        return false;
    count_attempt(recipient);
    queue->counters.deferred++;
    if (has_expired(queue, message, index, queue_now(queue))) {
        expire(queue, message, index, words);
        return false;
    }
    ledger_set_reply(&queue->ledger, recipient, words->reply);
    return true;
}

void settle_later(struct queue *queue, struct message *message, uint32_t index,
                  const struct words *words, uint64_t not_before)
{
    uint64_t at;

    if (!count_failure(queue, message, index, words))
        return;
    at = queue_now(queue) +
         retry_delay_ms(&queue->rules, ledger_recipient(message, index)->attempts, message->id);
    wait_until(queue, message, index, at > not_before ? at : not_before);
}

void settle_at(struct queue *queue, struct message *message, uint32_t index,
               const struct words *words, uint64_t at)
{
    if (count_failure(queue, message, index, words))
        wait_until(queue, message, index, at);
}

void settle_not_tried(struct queue *queue, struct message *message, uint32_t index,
                      const struct words *words, uint64_t at)
{
    if (is_given_up(queue, message, index, words))
        return;
    if (has_expired(queue, message, index, queue_now(queue)))
        expire(queue, message, index, words);
    else
        wait_until(queue, message, index, at);
}

void settle_put_off(struct queue *queue, struct message *message, uint32_t index, uint64_t until)
{
    struct ledger_recipient *recipient = ledger_recipient(message, index);
    struct words words = {.status = STATUS(4, 4, 1),
                          .reply = texts_get(queue->ledger.texts, recipient->reply)};

    if (!words.reply.len)
        words.reply = SLICE("its server does not answer");
    if (recipient->attempts == 0) {
        ledger_set_reply(&queue->ledger, recipient, words.reply);
        count_attempt(recipient);
        until += table_mix(message->id) % (queue->rules.first_ms / PROBE_SPREAD_PART + 1);
        wait_until(queue, message, index, until);
        return;
    }
    settle_later(queue, message, index, &words, until);
}

void settle_suspended(struct queue *queue, struct message *message, uint32_t index,
                      struct slice why)
{
    struct ledger_recipient *recipient = ledger_recipient(message, index);
    uint64_t expires = retry_from_tick(message->born) + expire_after_ms(queue, message, index);
    struct words words = {.reply = texts_get(queue->ledger.texts, recipient->reply)};

    if (!words.reply.len)
        words.reply = why;
    if (has_expired(queue, message, index, queue_now(queue))) {
        expire(queue, message, index, &words);
        return;
    }
    ledger_set_state(message, index, RECIPIENT_SUSPENDED, retry_tick(expires));
    ledger_set_due(&queue->ledger, message, expires);
}

void settle_again(struct queue *queue, struct message *message, uint32_t index, uint64_t at)
{
    wait_until(queue, message, index, at ? at : queue_now(queue));
}
