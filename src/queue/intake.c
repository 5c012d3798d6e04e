/*
 * While the store is being opened, messages are only noted and their outcomes applied; they come up
 * through the timetable. Later ones are routed at once, with the envelope that is at hand, unless
 * many wait for auth already.
 *
 * Ages and due times are taken over as differences from the wall time of now (retry.h).
 */
#include "queue/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/expand.h"
#include "queue/extra.h"
#include "queue/frozen.h"
#include "queue/hold.h"
#include "queue/record.h"

#include <stdatomic.h>

enum { MESSAGES_A_ROUND = 256, RESOLVING_MAX = 2000, TELL_EVERY_MS = 50 };

/* The loop is woken by the committer's thread, which leaves word here. */
static atomic_bool own_log_grew;
static bool hinted;
static bool opening;

/* What receive knows of our reading, and when it may be told more (queue time). */
static struct msg_taken told;
static uint64_t tell_at;

static struct message *note_message(struct queue *queue, const struct envelope *envelope,
                                    struct spool_location location)
{
    uint64_t born;
    bool plausible =
        retry_born(&queue->rules, queue_now(queue), clock_wall_ms(), envelope->received_ms, &born);
    struct message *message =
        ledger_add(&queue->ledger, envelope->id, envelope->n_recipients, location, born);

    if (!plausible)
        message->flags |= MESSAGE_AGELESS;
    queue->counters.messages++;
    return message;
}

/* FUTURERELEASE (RFC 4865): not before that time. */
static void wait_for_release(struct queue *queue, struct message *message, uint64_t wall_ms)
{
    uint64_t at =
        retry_from_future(queue_now(queue), clock_wall_ms(), wall_ms, queue->rules.expire_after_ms);

    for (uint32_t i = 0; i < message->n_recipients; i++)
        ledger_set_state(message, i, RECIPIENT_WAITING, retry_tick(at));
}

static void on_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    struct queue *queue = arg;
    struct message *message;

    if (ledger_find(&queue->ledger, envelope->id))
        return;
    message = note_message(queue, envelope, location);
    if (envelope->hold_until_ms > clock_wall_ms())
        wait_for_release(queue, message, envelope->hold_until_ms);
    if (envelope->hold.len)
        hold_from_start(queue, message, envelope->hold);
    if (opening)
        return; /* until settle_in() */
    frozen_check(queue, message, envelope);
    if (answers_pending(queue->answers) > RESOLVING_MAX) {
        expand_schedule(queue, message);
        return;
    }
    arena_reset(&queue->scratch);
    expand_message(queue, message, envelope);
}

static enum recipient_state state_of(enum outcome_kind kind)
{
    switch (kind) {
    case OUTCOME_DELIVERED:
        return RECIPIENT_DELIVERED;
    case OUTCOME_RELAYED:
        return RECIPIENT_RELAYED;
    case OUTCOME_EXPANDED:
        return RECIPIENT_EXPANDED;
    case OUTCOME_BOUNCED:
        return RECIPIENT_BOUNCED;
    case OUTCOME_REMOVED:
        return RECIPIENT_REMOVED;
    case OUTCOME_PENDING:
        break;
    }
    return RECIPIENT_WAITING;
}

static void grow_older(struct queue *queue, struct message *message, unsigned attempts)
{
    uint32_t born = retry_tick(queue_now(queue) - retry_schedule_ms(&queue->rules, attempts));

    if (born < message->born)
        message->born = born;
}

static void apply_outcome(struct queue *queue, struct message *message,
                          const struct outcome_recipient *outcome)
{
    struct ledger_recipient *recipient = ledger_recipient(message, outcome->index);
    uint64_t at = retry_from_future(queue_now(queue), clock_wall_ms(), outcome->due_ms,
                                    queue->rules.max_ms + queue->rules.max_ms / 4);

    ledger_set_state(message, outcome->index, state_of(outcome->kind), retry_tick(at));
    recipient->attempts = outcome->attempts > UINT8_MAX ? UINT8_MAX : (uint8_t)outcome->attempts;
    if (message->flags & MESSAGE_AGELESS)
        grow_older(queue, message, outcome->attempts);
    recipient_set_flags(recipient, outcome->flags & (FLAG_HELD | FLAG_WARNED));
    ledger_set_reply(&queue->ledger, recipient, outcome->reply);
    extra_set_route(message, outcome->index, outcome->route);
}

static void on_outcome(void *arg, const struct outcome *outcome)
{
    struct queue *queue = arg;
    struct message *message = ledger_find(&queue->ledger, outcome->id);
    uint32_t known;

    if (!message)
        return;
    known = message->n_recipients;
    if (outcome->n_added && outcome->first_added + outcome->n_added > known &&
        outcome->first_added <= known) {
        uint32_t skip = known - outcome->first_added;
        extra_add_recipients(message, outcome->added + skip, outcome->n_added - skip);
        ledger_add_recipients(message, outcome->n_added - skip);
    }
    for (uint32_t i = 0; i < outcome->n_recipients; i++) {
        if (outcome->recipients[i].index < message->n_recipients)
            apply_outcome(queue, message, &outcome->recipients[i]);
    }
}

static void on_moved(void *arg, uint64_t id, struct spool_location location)
{
    struct queue *queue = arg;
    struct message *message = ledger_find(&queue->ledger, id);

    if (message)
        message->location = location;
}

static void on_trouble(void *arg, struct slice text)
{
    (void)arg;
    log_error(NULL, "spool", LOG_SLICE("trouble", text));
}

/* On the committer's thread. */
static void on_durable(void *arg, uint64_t segment, uint64_t length)
{
    struct queue *queue = arg;

    (void)segment;
    (void)length;
    if (!atomic_exchange(&own_log_grew, true))
        loop_wake(queue->role->loop);
}

/* Every message stands in the timetable with its real due time; what is over is said to be. */
static void settle_in(struct queue *queue)
{
    struct message *message;
    uint32_t handle = 0;

    while ((message = ledger_next(&queue->ledger, &handle))) {
        message->due = 0;
        expand_schedule(queue, message);
        if (!message->n_open) {
            struct record record;
            arena_reset(&queue->scratch);
            record_begin(queue, message, &record);
            record_commit(&record);
        }
    }
}

int intake_open(struct queue *queue)
{
    static struct spool_store_events events = {
        .message = on_message, .outcome = on_outcome, .moved = on_moved, .trouble = on_trouble};
    char *directory;
    struct buf path;
    int r;

    events.arg = queue;
    buf_init(&path, 4096);
    buf_printf(&path, "%.*s/spool", SLICE_ARG(queue->config->state));
    directory = xslicedup(buf_slice(&path));
    buf_done(&path);
    opening = true;
    r = spool_store_open(
        &(struct spool_store_options){.disk = disk_real(),
                                      .directory = directory,
                                      .events = &events,
                                      .queue_log = {.on_durable = on_durable, .arg = queue}},
        &queue->store);
    opening = false;
    if (r < 0)
        log_error(NULL, "spool-not-opened", LOG_STR("path", directory), LOG_ERRNO(r));
    else
        settle_in(queue);
    free(directory);
    return r;
}

void intake_close(struct queue *queue)
{
    if (queue->store)
        spool_store_close(queue->store);
    queue->store = NULL;
}

void intake_hint(struct queue *queue, struct slice payload)
{
    struct msg_durable durable;

    if (msg_durable_decode(payload, NULL, &durable) < 0)
        return;
    spool_store_hint(queue->store, role_name(ROLE_RECEIVE), durable.segment, durable.length);
    hinted = true;
}

void intake_rescan(struct queue *queue)
{
    spool_store_rescan(queue->store, role_name(ROLE_RECEIVE));
    hinted = true;
    told = (struct msg_taken){0};
}

bool intake_poll(struct queue *queue, bool tick)
{
    bool grew = atomic_exchange(&own_log_grew, false);
    int r;

    if (!hinted && !grew && !tick)
        return false;
    r = spool_store_poll(queue->store, MESSAGES_A_ROUND);
    if (r < 0)
        log_error(NULL, "spool-poll", LOG_ERRNO(r));
    hinted = r >= MESSAGES_A_ROUND;
    return hinted;
}

uint64_t intake_tell(struct queue *queue)
{
    struct msg_taken taken;
    uint64_t now = queue_now(queue);
    struct buf out;

    spool_store_position(queue->store, role_name(ROLE_RECEIVE), &taken.segment, &taken.length);
    if (taken.segment == told.segment && taken.length == told.length)
        return UINT64_MAX;
    if (now < tell_at)
        return tell_at;
    tell_at = now + TELL_EVERY_MS;
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_taken_encode(&out, &taken);
    if (role_send(queue->role, ROLE_RECEIVE, MSG_TAKEN, buf_slice(&out), NULL, 0) == 0)
        told = taken;
    buf_done(&out);
    return UINT64_MAX; /* should it not have gone, the next tick tries again */
}
