/*
 * Turns. See scheduler.h for the rules; those of one lane are in lane.c.
 *
 * A lane has six slots: fresh and retried mail by three priorities. Who waits in them is in
 * waiting.c.
 *
 * Invariants: a lane is in the scheduler's ring exactly when lane_may_go(), and idle exactly when
 * lane_is_unused(). lane->waiting counts the units in its slots that have recipients waiting. A
 * unit whose recipients were all withdrawn stays in its list, empty, until its turn comes or
 * nothing else waits in the lane.
 */
#include "queue/scheduler.h"

#include "base/buf.h"
#include "queue/lane_memory.h"
#include "queue/lanes.h"
#include "queue/waiting.h"

#include <utlist.h>

enum { FRESH = 0, RETRIED = LANE_BANDS };
enum { FRESH_TURNS = 3 /* for one of retried mail */ };
enum { CROWDED_WAIT_MS = 15000 };

struct scheduler {
    struct scheduler_rules rules;
    struct lanes lanes;
    struct lane *ring; /* the lane that goes next */
    struct waiting waiting;
    bool paused[WAY_PROGRAM + 1];
    unsigned under_way;
    uint32_t put_off; /* list of units */
    uint64_t now;     /* the latest time that was told */
};

struct scheduler *scheduler_new(const struct scheduler_rules *rules)
{
    struct scheduler *scheduler = xcalloc(1, sizeof(*scheduler));

    scheduler->rules = *rules;
    lanes_init(&scheduler->lanes);
    waiting_init(&scheduler->waiting);
    return scheduler;
}

void scheduler_free(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    lanes_done(&scheduler->lanes);
    waiting_done(&scheduler->waiting);
    free(scheduler);
}

void scheduler_set_rules(struct scheduler *scheduler, const struct scheduler_rules *rules)
{
    scheduler->rules = *rules;
}

unsigned scheduler_under_way(const struct scheduler *scheduler)
{
    return scheduler->under_way;
}

/* ---- lanes --------------------------------------------------------------------------------- */

static bool lane_may_go(const struct scheduler *scheduler, const struct lane *lane)
{
    return lane->waiting && !scheduler->paused[lane->key.way] && !lane->rest_slot &&
           lane->under_way < lane_window(lane) && (!lane->down || !lane->probing);
}

static bool lane_is_unused(const struct lane *lane)
{
    bool unused = !lane->under_way;

    for (unsigned slot = 0; slot < LANE_SLOTS; slot++)
        unused = unused && !lane->rings[slot];
    return unused;
}

/* Puts the lane into the ring or takes it out, after anything that may change lane_may_go() or
 * lane_is_unused(). */
static void lane_update(struct scheduler *scheduler, struct lane *lane)
{
    bool may_go = lane_may_go(scheduler, lane);

    if (!may_go && lane->in_ring)
        CDL_DELETE(scheduler->ring, lane);
    lanes_set_idle(&scheduler->lanes, lane, lane_is_unused(lane), scheduler->now);
    if (may_go && !lane->in_ring)
        CDL_APPEND(scheduler->ring, lane);
    lane->in_ring = may_go;
}

/* Lets it rest, if its rate or a pause says so. */
static void lane_rest(struct scheduler *scheduler, struct lane *lane)
{
    uint64_t until = lane_ready_at(lane);

    lanes_rest(&scheduler->lanes, lane, until > scheduler->now ? until : 0);
    lane_update(scheduler, lane);
}

struct lane *scheduler_lane(struct scheduler *scheduler, const struct lane_key *key,
                            const struct lane_rules *rules)
{
    struct lane *lane = lanes_find(&scheduler->lanes, key);

    if (!lane)
        lane = lanes_make(&scheduler->lanes, key);
    lane_set_rules(lane, rules);
    lane_rest(scheduler, lane);
    return lane;
}

const struct lane_key *scheduler_key_of(const struct lane *lane)
{
    return &lane->key;
}

/* Ends the rests that are over. */
static void wake_lanes(struct scheduler *scheduler, uint64_t now)
{
    struct lane *lane;

    scheduler->now = now;
    while ((lane = lanes_first_resting(&scheduler->lanes)) && lane->rest_until <= now)
        lane_rest(scheduler, lane);
}

uint64_t scheduler_next_time(const struct scheduler *scheduler)
{
    const struct lane *lane = lanes_first_resting(&scheduler->lanes);

    return lane ? lane->rest_until : UINT64_MAX;
}

void scheduler_tick(struct scheduler *scheduler, uint64_t now)
{
    scheduler->now = now;
    lanes_forget_idle(&scheduler->lanes, now > SCHEDULER_KEEP_MS ? now - SCHEDULER_KEEP_MS : 0,
                      SCHEDULER_IDLE_MAX);
}

/* ---- senders and their units --------------------------------------------------------------- */

static void forget_if_over(struct scheduler *scheduler, struct unit *unit)
{
    if (!unit->waiting && !unit->under_way && !unit->queued)
        slab_give(&scheduler->waiting.units, unit->handle);
}

static uint8_t slot_of(const struct unit_order *order)
{
    int band = order->priority > 0 ? 0 : order->priority == 0 ? 1 : 2;

    return (uint8_t)((order->retried ? RETRIED : FRESH) + band);
}

uint32_t scheduler_add(struct scheduler *scheduler, struct lane *lane,
                       const struct unit_order *order, uint32_t n, uint64_t now,
                       struct lane_refusal *ret_refusal)
{
    struct unit key = {.sender = order->sender, .lane = lane->handle, .slot = slot_of(order)};
    const struct sender *sender = waiting_find_sender(&scheduler->waiting, &key);
    struct unit *unit;

    scheduler->now = now;
    if (lane->down && now < lane->probe_at) {
        *ret_refusal = (struct lane_refusal){.until = lane->probe_at, .down = true};
        return 0;
    }
    if (sender && sender->count >= scheduler->rules.active) {
        *ret_refusal = (struct lane_refusal){.until = now + CROWDED_WAIT_MS};
        return 0;
    }
    key.handle = slab_take(&scheduler->waiting.units);
    key.message = order->message;
    key.waiting = n;
    unit = waiting_unit(&scheduler->waiting, key.handle);
    *unit = key;
    waiting_queue(&scheduler->waiting, &lane->rings[unit->slot], unit, false);
    lane->waiting++;
    lane_update(scheduler, lane);
    return unit->handle;
}

/* Nothing in the lane has recipients waiting: what is left in its slots are empty units. */
static void clear_slots(struct scheduler *scheduler, struct lane *lane)
{
    for (unsigned slot = 0; slot < LANE_SLOTS; slot++) {
        while (lane->rings[slot])
            forget_if_over(scheduler, waiting_unqueue(&scheduler->waiting, &lane->rings[slot]));
    }
}

void scheduler_withdraw(struct scheduler *scheduler, uint32_t handle, uint32_t n)
{
    struct unit *unit = waiting_unit(&scheduler->waiting, handle);
    struct lane *lane = lanes_at(&scheduler->lanes, unit->lane);

    unit->waiting -= n;
    if (n && !unit->waiting)
        lane->waiting--;
    if (!lane->waiting && unit->queued)
        clear_slots(scheduler, lane); /* and with them this unit */
    else
        forget_if_over(scheduler, unit);
    lane_update(scheduler, lane);
}

/* ---- turns --------------------------------------------------------------------------------- */

static uint32_t ring_of_class(const struct lane *lane, unsigned class)
{
    for (unsigned band = 0; band < LANE_BANDS; band++) {
        if (lane->rings[class + band])
            return lane->rings[class + band];
    }
    return 0;
}

static struct sender *next_sender(const struct scheduler *scheduler, struct lane *lane)
{
    unsigned class = lane->turn % (FRESH_TURNS + 1) < FRESH_TURNS ? FRESH : RETRIED;
    uint32_t last = ring_of_class(lane, class);

    if (!last)
        last = ring_of_class(lane, class == FRESH ? RETRIED : FRESH);
    return waiting_sender(&scheduler->waiting, waiting_sender(&scheduler->waiting, last)->next);
}

static uint32_t turn_size(const struct lane *lane, const struct unit *unit)
{
    uint32_t most = lane->rules.recipients ? lane->rules.recipients : 1;

    if (lane->peer_limit && lane->peer_limit < most)
        most = lane->peer_limit;
    return unit->waiting < most ? unit->waiting : most;
}

/* The lane has a unit with recipients waiting, so this ends. */
static struct unit *next_unit(struct scheduler *scheduler, struct lane *lane,
                              struct sender **ret_sender)
{
    for (;;) {
        struct sender *sender = next_sender(scheduler, lane);
        struct unit *unit = waiting_unit(&scheduler->waiting, sender->first);
        if (unit->waiting) {
            *ret_sender = sender;
            return unit;
        }
        waiting_unqueue(&scheduler->waiting, &lane->rings[sender->slot]);
        forget_if_over(scheduler, unit);
    }
}

/* Books `n` recipients of the unit out of its sender's list, and lets the next sender come. */
static void take_from_sender(struct scheduler *scheduler, struct lane *lane, struct sender *sender,
                             struct unit *unit, uint32_t n)
{
    bool senders_last = unit->waiting == n && sender->count == 1;

    unit->waiting -= n;
    unit->under_way += n;
    if (!senders_last)
        lane->rings[sender->slot] = sender->handle;
    if (unit->waiting)
        return;
    lane->waiting--;
    if (senders_last)
        waiting_unqueue(&scheduler->waiting, &lane->rings[sender->slot]);
    else
        waiting_pop(&scheduler->waiting, sender);
}

/* Lanes that have as many turns under way as are free are passed over. */
static struct lane *next_lane(const struct scheduler *scheduler)
{
    struct lane *lane = scheduler->ring;
    unsigned most = scheduler->rules.concurrency, left;

    if (!lane || scheduler->under_way >= most)
        return NULL;
    left = most - scheduler->under_way;
    do {
        if (lane->key.way != WAY_ROUTE || lane->under_way < left)
            return lane;
        lane = lane->next;
    } while (lane != scheduler->ring);
    return NULL;
}

bool scheduler_next(struct scheduler *scheduler, uint64_t now, struct scheduler_turn *ret_turn)
{
    struct sender *sender;
    struct lane *lane;
    struct unit *unit;
    uint32_t n;

    wake_lanes(scheduler, now);
    lane = next_lane(scheduler);
    if (!lane)
        return false;
    scheduler->ring = lane->next;
    unit = next_unit(scheduler, lane, &sender);
    n = turn_size(lane, unit);
    take_from_sender(scheduler, lane, sender, unit, n);
    lane->turn++;
    lane->under_way++;
    scheduler->under_way++;
    lane->probing = lane->down;
    lane_count_turn(lane, now);
    lane_rest(scheduler, lane);
    *ret_turn = (struct scheduler_turn){
        .unit = unit->handle, .message = unit->message, .n = n, .lane = &lane->key};
    return true;
}

const struct lane_key *scheduler_lane_of(const struct scheduler *scheduler, uint32_t unit)
{
    return &lanes_at(&scheduler->lanes, waiting_unit(&scheduler->waiting, unit)->lane)->key;
}

struct lane_memory *scheduler_memory(struct scheduler *scheduler, uint32_t unit)
{
    struct lane *lane = lanes_at(&scheduler->lanes, waiting_unit(&scheduler->waiting, unit)->lane);

    if (!lane->memory)
        lane->memory = xcalloc(1, sizeof(*lane->memory));
    return lane->memory;
}

const struct lane_memory *scheduler_memory_if_any(const struct scheduler *scheduler, uint32_t unit)
{
    return lanes_at(&scheduler->lanes, waiting_unit(&scheduler->waiting, unit)->lane)->memory;
}

bool scheduler_gave_up(const struct scheduler *scheduler, const struct lane_key *key, uint64_t now)
{
    const struct lane *lane = lanes_find(&scheduler->lanes, key);

    return lane && lane_gave_up(lane, now);
}

/* Everything that waits in the lane joins the list of what is put off. */
static void put_off_all(struct scheduler *scheduler, struct lane *lane)
{
    for (unsigned slot = 0; slot < LANE_SLOTS; slot++) {
        while (lane->rings[slot]) {
            struct unit *unit = waiting_unqueue(&scheduler->waiting, &lane->rings[slot]);
            unit->queued = true; /* here, so that nothing frees it */
            unit->next = scheduler->put_off;
            scheduler->put_off = unit->handle;
        }
    }
    lane->waiting = 0;
}

void scheduler_slow_down(struct scheduler *scheduler, uint32_t handle, uint64_t at_least_ms,
                         uint64_t now)
{
    struct lane *lane =
        lanes_at(&scheduler->lanes, waiting_unit(&scheduler->waiting, handle)->lane);

    scheduler->now = now;
    lane_pause(lane, at_least_ms, now);
    lane_rest(scheduler, lane);
}

static void judge(struct scheduler *scheduler, struct lane *lane, enum turn_end end)
{
    switch (end) {
    case TURN_TAKEN:
        lane_bring_up(lane);
        lane_grow(lane);
        break;
    case TURN_REFUSED:
        lane_bring_up(lane);
        lane_shrink(lane);
        break;
    case TURN_UNHEARD:
        if (lane_take_down(lane, &scheduler->rules, scheduler->now))
            put_off_all(scheduler, lane);
        break;
    case TURN_HEARD:
        lane_bring_up(lane);
        break;
    case TURN_CROWDED:
        lane_shrink(lane);
        lane->probing = false;
        lane_uncount_turn(lane);
        break;
    case TURN_CANCELLED:
        lane->probing = false;
        lane_uncount_turn(lane);
        break;
    }
}

void scheduler_end_turn(struct scheduler *scheduler, uint32_t handle, enum turn_end end, uint32_t n,
                        uint32_t again, uint32_t peer_limit, uint64_t now)
{
    struct unit *unit = waiting_unit(&scheduler->waiting, handle);
    struct lane *lane = lanes_at(&scheduler->lanes, unit->lane);
    bool began_before = lane->settling > 0;

    scheduler->now = now;
    unit->under_way -= n;
    lane->under_way--;
    scheduler->under_way--;
    if (peer_limit)
        lane->peer_limit = peer_limit;
    if (again) {
        if (!unit->waiting)
            lane->waiting++;
        unit->waiting += again;
        if (!unit->queued)
            waiting_queue(&scheduler->waiting, &lane->rings[unit->slot], unit, true);
    }
    judge(scheduler, lane, end);
    if (began_before)
        lane->settling--;
    lane_rest(scheduler, lane);
    forget_if_over(scheduler, unit);
}

bool scheduler_take_put_off(struct scheduler *scheduler, struct put_off *ret_put_off)
{
    while (scheduler->put_off) {
        struct unit *unit = waiting_unit(&scheduler->waiting, scheduler->put_off);
        const struct lane *lane = lanes_at(&scheduler->lanes, unit->lane);
        bool any = unit->waiting > 0;
        scheduler->put_off = unit->next;
        unit->queued = false;
        *ret_put_off =
            (struct put_off){.unit = unit->handle,
                             .lane = &lane->key,
                             .message = unit->message,
                             .until = lane_gave_up(lane, scheduler->now) ? 0 : lane->probe_at};
        unit->waiting = 0;
        forget_if_over(scheduler, unit);
        if (any)
            return true;
    }
    return false;
}

void scheduler_pause(struct scheduler *scheduler, enum unit_way way, bool paused)
{
    struct lane *lane;
    uint32_t handle = 0;

    if (scheduler->paused[way] == paused)
        return;
    scheduler->paused[way] = paused;
    while ((lane = lanes_next(&scheduler->lanes, &handle)))
        lane_update(scheduler, lane);
}

void scheduler_probe_now(struct scheduler *scheduler)
{
    struct lane *lane;
    uint32_t handle = 0;

    while ((lane = lanes_next(&scheduler->lanes, &handle))) {
        lane->probe_at = 0;
        lane->pause_until = 0;
        lane_rest(scheduler, lane);
    }
}

bool scheduler_view(const struct scheduler *scheduler, uint32_t *cursor, struct lane_view *ret_view)
{
    const struct lane *lane = lanes_next(&scheduler->lanes, cursor);

    if (!lane)
        return false;
    *ret_view = (struct lane_view){.key = lane->key,
                                   .window = lane_window(lane),
                                   .under_way = lane->under_way,
                                   .waiting = lane->waiting,
                                   .rate = lane->rules.rate,
                                   .rate_ms = lane->rules.rate_ms,
                                   .rests_until = lane->rest_until,
                                   .down = lane->down,
                                   .probe_at = lane->probe_at,
                                   .down_since = lane->down_since,
                                   .memory = lane->memory};
    return true;
}
