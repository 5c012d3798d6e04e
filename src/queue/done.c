/*
 * See done.h. A recipient that the peer left out of its answer counts as put off by it, so that a
 * faulty peer can lose nothing.
 *
 * 4.5.3 (too many recipients) for some, while others were taken, is no failure of those: they go in
 * another transaction at once, and the lane learns the limit (RFC 5321 section 4.5.3.1.10).
 */
#include "queue/done.h"

#include "mail/address.h"
#include "queue/bouncetally.h"
#include "queue/done_log.h"
#include "queue/expand.h"
#include "queue/extra.h"
#include "queue/learn.h"
#include "queue/notice.h"
#include "queue/record.h"
#include "queue/settle.h"

enum { AGAIN_FIRST_MS = 1000, AGAIN_DOUBLINGS = 6 /* to about a minute */ };
/* Where only our own connections were in use, the next one is free soon; not all wait the same. */
enum { CROWDED_FIRST_MS = 500, CROWDED_SPREAD_MS = 1000 };

struct tally {
    uint32_t ok, later, never, network, again, too_many;
    uint32_t ours;      /* of `again`: trouble of our own */
    uint32_t harmless;  /* of `later`: they say nothing about how much mail the site takes */
    uint32_t other_way; /* to be tried another way at once */
    uint32_t unkind;    /* of `never`: it is our address that they do not like */
};

static struct words words_of(const struct msg_done *done, const struct done_recipient *recipient)
{
    struct words words = {.reply = recipient->reply, .remote = done->remote};

    if (!status_parse(recipient->status, &words.status, NULL))
        words.status = STATUS(recipient->kind == DONE_NEVER ? 5 : 4, 0, 0);
    return words;
}

/* Something of ours was not to be had, a signature: that says nothing about the site. */
static bool is_local_trouble(struct status status)
{
    return status.subject == 3;
}

static struct tally count(const struct attempt *attempt, const struct msg_done *done)
{
    struct tally tally = {0};

    for (uint32_t i = 0; i < done->n_recipients; i++) {
        const struct done_recipient *recipient = &done->recipients[i];
        if (!attempt_has(attempt, recipient->index))
            continue;
        tally.ok += recipient->kind == DONE_OK;
        tally.later += recipient->kind == DONE_LATER;
        tally.never += recipient->kind == DONE_NEVER;
        tally.network += recipient->kind == DONE_NETWORK;
        tally.again += recipient->kind == DONE_AGAIN;
        tally.ours +=
            recipient->kind == DONE_AGAIN && is_local_trouble(words_of(done, recipient).status);
        tally.too_many +=
            recipient->kind == DONE_LATER && slice_eq(recipient->status, SLICE("4.5.3"));
    }
    return tally;
}

static enum turn_end judge_turn(const struct tally *tally)
{
    if (tally->ok || tally->never > tally->unkind)
        return TURN_TAKEN;
    if (tally->again && !tally->later && !tally->network)
        return tally->ours ? TURN_CANCELLED : TURN_CROWDED;
    if (tally->network && !tally->later)
        return TURN_UNHEARD;
    return tally->harmless == tally->later ? TURN_HEARD : TURN_REFUSED;
}

/* What the words add to that. */
static void count_lessons(struct tally *tally, const struct msg_done *done,
                          const struct lesson *lessons)
{
    for (uint32_t i = 0; i < done->n_recipients; i++) {
        tally->harmless +=
            done->recipients[i].kind == DONE_LATER && lessons[i].known && lessons[i].harmless;
        tally->unkind += done->recipients[i].kind == DONE_NEVER && lessons[i].blames;
        tally->other_way += lessons[i].again;
    }
}

static void take_ok(struct queue *queue, const struct attempt *attempt, struct message *message,
                    uint32_t index)
{
    bool relayed = attempt->way == WAY_ROUTE;

    settle_note_age(queue, message);
    ledger_set_state(message, index, relayed ? RECIPIENT_RELAYED : RECIPIENT_DELIVERED, 0);
    if (relayed)
        queue->counters.relayed++;
    else
        queue->counters.delivered++;
}

static bool is_crowded(const struct words *words)
{
    return words->status.subject == 4 && words->status.detail == 5;
}

static uint64_t wait_again_ms(const struct message *message, const struct words *words,
                              unsigned not_tried)
{
    if (is_crowded(words))
        return CROWDED_FIRST_MS + table_mix(message->id + not_tried) % CROWDED_SPREAD_MS;
    return (uint64_t)AGAIN_FIRST_MS << not_tried;
}

/* The site of its domain is another one now, or no connection was free. What comes to nothing again
 * and again waits longer each time, but for a free connection. */
static void take_again(struct queue *queue, const struct attempt *attempt, struct message *message,
                       uint32_t index, const struct words *words)
{
    struct slice domain = address_domain(attempt_address(attempt, index));
    uint64_t wait_ms = wait_again_ms(message, words, extra_of(message)->not_tried);

    if (attempt->way == WAY_ROUTE && !is_crowded(words) && !is_local_trouble(words->status))
        sites_drop(queue->sites, scheduler_lane_of(queue->scheduler, attempt->unit)->name, domain);
    settle_not_tried(queue, message, index, words, queue_now(queue) + wait_ms);
}

static void count_not_tried(struct message *message, const struct tally *tally)
{
    if (tally->again || tally->other_way) {
        if (extra_of(message)->not_tried < AGAIN_DOUBLINGS)
            extra_of(message)->not_tried++;
    } else if (message->extra && message->extra->not_tried) {
        message->extra->not_tried = 0;
        extra_free_if_empty(message);
    }
}

/* Nobody answered, for too long: its mail goes over the fallback route at once. */
static bool goes_another_way(struct queue *queue, const struct attempt *attempt)
{
    return scheduler_gave_up(queue->scheduler, scheduler_lane_of(queue->scheduler, attempt->unit),
                             queue_now(queue));
}

static void take_refusal(struct queue *queue, const struct attempt *attempt,
                         struct message *message, const struct done_recipient *recipient,
                         const struct words *words, const struct lesson *lesson)
{
    uint32_t index = recipient->index;

    if (lesson->again || (recipient->kind == DONE_NETWORK && goes_another_way(queue, attempt)))
        take_again(queue, attempt, message, index, words);
    else if (recipient->kind == DONE_NEVER || lesson->stop)
        settle_never(queue, message, index, words);
    else if (lesson->retry_at)
        settle_at(queue, message, index, words, lesson->retry_at);
    else
        settle_later(queue, message, index, words, lesson->not_before);
}

/* False when nothing has happened to the recipient that is worth a record. */
static bool take_recipient(struct queue *queue, const struct attempt *attempt,
                           const struct msg_done *done, const struct done_recipient *recipient,
                           const struct tally *tally, const struct lesson *lesson)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    struct words words = words_of(done, recipient);

    switch (recipient->kind) {
    case DONE_OK:
        take_ok(queue, attempt, message, recipient->index);
        return true;
    case DONE_AGAIN:
        take_again(queue, attempt, message, recipient->index, &words);
        return recipient_is_over(ledger_recipient(message, recipient->index));
    case DONE_LATER:
        if (tally->ok && slice_eq(recipient->status, SLICE("4.5.3"))) {
            settle_again(queue, message, recipient->index, 0);
            return false;
        }
        break;
    case DONE_NEVER:
    case DONE_NETWORK:
        break;
    }
    take_refusal(queue, attempt, message, recipient, &words, lesson);
    return recipient_state(ledger_recipient(message, recipient->index)) != RECIPIENT_FAILED;
}

static void add_success(struct record *record, const struct msg_done *done,
                        const struct attempt *attempt)
{
    struct queue *queue = record->queue;
    struct notice_success *list = arena_alloc(&queue->scratch, done->n_recipients * sizeof(*list));
    struct envelope envelope;
    uint32_t n = 0;

    for (uint32_t i = 0; i < done->n_recipients; i++) {
        const struct done_recipient *recipient = &done->recipients[i];
        if (recipient->kind == DONE_OK && !recipient->dsn_passed_on &&
            attempt_has(attempt, recipient->index))
            list[n++] = (struct notice_success){
                .index = recipient->index, .remote = done->remote, .reply = recipient->reply};
    }
    if (n && queue_read_envelope(queue, record->message, &envelope) == 0)
        notice_add_success(record, &envelope, list, n);
}

static void count_bounces(struct queue *queue, struct message *message, uint32_t n)
{
    struct envelope envelope;

    if (queue_read_envelope(queue, message, &envelope) == 0)
        bouncetally_add(queue->bouncetally, envelope.login, n);
}

/* Those that the peer did not mention are still under way in the ledger. */
static void take_forgotten(struct record *record, const struct attempt *attempt)
{
    struct words words = {.status = STATUS(4, 3, 0),
                          .reply = SLICE("the delivery ended without an answer for this address")};

    for (uint32_t i = 0; i < attempt->n; i++) {
        const struct ledger_recipient *recipient =
            ledger_recipient(record->message, attempt->indexes[i]);
        if (recipient_state(recipient) != RECIPIENT_UNDER_WAY)
            continue;
        settle_later(record->queue, record->message, attempt->indexes[i], &words, 0);
        if (recipient_state(recipient) != RECIPIENT_FAILED)
            record_recipient(record, attempt->indexes[i], words.reply);
    }
}

/* The last step of all: nothing of the scratch arena is needed any more. */
static void put_off_units(struct queue *queue)
{
    struct put_off off;

    while (scheduler_take_put_off(queue->scheduler, &off)) {
        struct message *message = ledger_at(&queue->ledger, off.message);
        arena_reset(&queue->scratch);
        for (uint32_t i = 0; i < message->n_recipients; i++) {
            const struct ledger_recipient *recipient = ledger_recipient(message, i);
            if (recipient_state(recipient) != RECIPIENT_READY || recipient->at != off.unit)
                continue;
            if (!off.until) {
                settle_again(queue, message, i, 0);
                continue;
            }
            settle_put_off(queue, message, i, off.until);
            done_log_put_off(queue, message, i, off.lane);
        }
        notice_check(queue, message);
    }
}

static void end_turn(struct queue *queue, const struct attempt *attempt,
                     const struct msg_done *done, const struct tally *tally)
{
    uint32_t limit = done->recipients_limit;

    if (tally->ok && tally->too_many)
        limit = tally->ok;
    scheduler_note_duration(queue->scheduler, attempt->unit, done->duration_ms);
    scheduler_end_turn(queue->scheduler, attempt->unit, judge_turn(tally), attempt->turn, 0, limit,
                       queue_now(queue));
    put_off_units(queue);
}

void done_take(struct queue *queue, struct attempt *attempt, const struct msg_done *done)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    struct tally tally = count(attempt, done);
    const struct lesson *lessons = learn_turn(queue, attempt, done, tally.ok > 0);
    struct record record;

    count_lessons(&tally, done, lessons);
    histogram_add_ms(&queue->times.attempts[attempt->way], done->duration_ms);
    record_begin(queue, message, &record);
    for (uint32_t i = 0; i < done->n_recipients; i++) {
        const struct done_recipient *recipient = &done->recipients[i];
        if (!attempt_has(attempt, recipient->index) ||
            recipient_state(ledger_recipient(message, recipient->index)) != RECIPIENT_UNDER_WAY)
            continue;
        if (take_recipient(queue, attempt, done, recipient, &tally, &lessons[i]))
            record_recipient(&record, recipient->index,
                             recipient->kind == DONE_OK ? SLICE_NULL : recipient->reply);
        done_log_recipient(queue, attempt, done, recipient, &lessons[i]);
    }
    take_forgotten(&record, attempt);
    record_signature(&record, done->signature);
    count_not_tried(message, &tally);
    if (tally.never)
        count_bounces(queue, message, tally.never);
    if (attempt->wants_success)
        add_success(&record, done, attempt);
    record_commit(&record);
    notice_check(queue, message);
    end_turn(queue, attempt, done, &tally);
}
