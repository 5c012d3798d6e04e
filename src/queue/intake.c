/*
 * While the store is being opened, messages are only noted and their outcomes applied; they come up
 * through the timetable. Later ones are routed at once, with the envelope that is at hand, unless
 * many wait for auth already.
 *
 * Ages and due times are taken over as differences from the wall time of now. If that has leapt by
 * a month or more since anything was written, the machine's clock was set or nobody was at home for
 * long: the leap makes no message older (retry_clock_leap_ms).
 */
#include "queue/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/expand.h"
#include "queue/extra.h"
#include "queue/record.h"

#include <stdatomic.h>

enum { MESSAGES_A_ROUND = 256, RESOLVING_MAX = 2000 };

/* The loop is woken by the committer's thread, which leaves word here. */
static atomic_bool own_log_grew;
static bool hinted;
static bool opening;
static uint64_t newest_ms; /* wall time, of all that was seen at start */

static void note_time(uint64_t wall_ms)
{
    if (wall_ms > newest_ms)
        newest_ms = wall_ms;
}

static void on_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    struct queue *queue = arg;
    uint64_t now = queue_now(queue), wall = clock_wall_ms();
    struct message *message;

    if (ledger_find(&queue->ledger, envelope->id))
        return;
    message = ledger_add(&queue->ledger, envelope->id, envelope->n_recipients, location,
                         retry_from_past(now, wall, envelope->received_ms));
    queue->counters.messages++;
    if (opening)
        note_time(envelope->received_ms);
    if (envelope->hold_until_ms > wall)
        now = retry_from_future(now, wall, envelope->hold_until_ms, queue->rules.expire_after_ms);
    for (uint32_t i = 0; now > queue_now(queue) && i < message->n_recipients; i++)
        ledger_set_state(message, i, RECIPIENT_WAITING, retry_tick(now));
    if (opening || answers_pending(queue->answers) > RESOLVING_MAX) {
        ledger_set_due(&queue->ledger, message, now);
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

static void apply_outcome(struct queue *queue, struct message *message,
                          const struct outcome_recipient *outcome)
{
    struct ledger_recipient *recipient = ledger_recipient(message, outcome->index);
    uint64_t at = retry_from_future(queue_now(queue), clock_wall_ms(), outcome->due_ms,
                                    queue->rules.max_ms + queue->rules.max_ms / 4);

    ledger_set_state(message, outcome->index, state_of(outcome->kind), retry_tick(at));
    recipient->attempts = outcome->attempts > UINT8_MAX ? UINT8_MAX : (uint8_t)outcome->attempts;
    recipient_set_flags(recipient, outcome->flags & (FLAG_HELD | FLAG_WARNED));
    ledger_set_reply(&queue->ledger, recipient, outcome->reply);
    if (outcome->kind == OUTCOME_PENDING)
        note_time(outcome->due_ms);
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
    uint64_t leap = retry_clock_leap_ms(clock_wall_ms(), newest_ms);
    uint32_t now = retry_tick(queue_now(queue)), handle = 0;
    struct message *message;

    if (leap && queue->ledger.messages.live)
        log_warn(NULL, "clock-leapt", LOG_INT("ms", leap));
    while ((message = ledger_next(&queue->ledger, &handle))) {
        if (leap) {
            uint64_t born = message->born + (uint64_t)retry_tick(leap);
            message->born = born < now ? (uint32_t)born : now;
        }
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
