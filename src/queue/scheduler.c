/*
 * Lanes, what waits in them, and turns. See scheduler.h for the rules; those of one lane are in
 * lane.c.
 *
 * A lane has six slots: fresh and retried mail by three priorities. Who waits in them is in
 * waiting.c.
 */
#include "queue/scheduler.h"

#include "base/buf.h"
#include "queue/scheduler_parts.h"

#include <utlist.h>

enum { FRESH = 0, RETRIED = LANE_BANDS };
enum { FRESH_TURNS = 3 /* for one of retried mail */ };
enum { CROWDED_WAIT_MS = 15000 };

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

void scheduler_update_lane(struct scheduler *scheduler, struct lane *lane)
{
    bool may_go = lane_may_go(scheduler, lane);

    if (!may_go && lane->in_ring)
        CDL_DELETE(scheduler->ring, lane);
    lanes_set_idle(&scheduler->lanes, lane, lane_is_unused(lane), scheduler->now);
    if (may_go && !lane->in_ring)
        CDL_APPEND(scheduler->ring, lane);
    lane->in_ring = may_go;
}

void scheduler_rest_lane(struct scheduler *scheduler, struct lane *lane)
{
    uint64_t until = lane_ready_at(lane);

    lanes_rest(&scheduler->lanes, lane, until > scheduler->now ? until : 0);
    scheduler_update_lane(scheduler, lane);
}

struct lane *scheduler_lane_of_unit(const struct scheduler *scheduler, uint32_t unit)
{
    return lanes_at(&scheduler->lanes, waiting_unit(&scheduler->waiting, unit)->lane);
}

struct lane *scheduler_lane(struct scheduler *scheduler, const struct lane_key *key,
                            const struct lane_rules *rules)
{
    struct lane *lane = lanes_find(&scheduler->lanes, key);

    if (!lane)
        lane = lanes_make(&scheduler->lanes, key);
    lane_set_rules(lane, rules);
    scheduler_rest_lane(scheduler, lane);
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
        scheduler_rest_lane(scheduler, lane);
}

uint64_t scheduler_next_time(const struct scheduler *scheduler)
{
    const struct lane *lane = lanes_first_resting(&scheduler->lanes);

    return lane ? lane->rest_until : UINT64_MAX;
}

void scheduler_tick(struct scheduler *scheduler, uint64_t now)
{
    scheduler->now = now;
    if (now > SCHEDULER_KEEP_MS)
        lanes_forget_idle(&scheduler->lanes, now, now - SCHEDULER_KEEP_MS, SCHEDULER_IDLE_MAX);
    else
        lanes_forget_idle(&scheduler->lanes, now, 0, SCHEDULER_IDLE_MAX);
}

/* ---- senders and their units --------------------------------------------------------------- */

void scheduler_forget_unit(struct scheduler *scheduler, struct unit *unit)
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
    scheduler_update_lane(scheduler, lane);
    return unit->handle;
}

/* Nothing in the lane has recipients waiting: what is left in its slots are empty units. */
static void clear_slots(struct scheduler *scheduler, struct lane *lane)
{
    for (unsigned slot = 0; slot < LANE_SLOTS; slot++) {
        while (lane->rings[slot])
            scheduler_forget_unit(scheduler,
                                  waiting_unqueue(&scheduler->waiting, &lane->rings[slot]));
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
        scheduler_forget_unit(scheduler, unit);
    scheduler_update_lane(scheduler, lane);
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
        scheduler_forget_unit(scheduler, unit);
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

/* It has a turn under way, and may be one of those that say nothing. */
static bool is_unheard(const struct scheduler *scheduler, const struct lane *lane)
{
    return lane->under_way &&
           (!lane->heard || scheduler->now - lane->heard_at >= SCHEDULER_SLOW_MS);
}

static bool leaves_room(const struct scheduler *scheduler, const struct lane *lane)
{
    unsigned most = scheduler->rules.concurrency;

    if (lane->key.way == WAY_ROUTE && scheduler->under_way >= (most + 3) / 4 &&
        is_unheard(scheduler, lane))
        return false;
    if (lane->slow && scheduler->slow_under_way >= (most + 1) / 2)
        return false;
    return lane->key.way != WAY_ROUTE || lane->under_way < most - scheduler->under_way;
}

/* Lanes that would leave the others no room are passed over. */
static struct lane *next_lane(const struct scheduler *scheduler)
{
    struct lane *lane = scheduler->ring;

    if (!lane || scheduler->under_way >= scheduler->rules.concurrency)
        return NULL;
    do {
        if (leaves_room(scheduler, lane))
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
    if (!lane->under_way)
        lane->heard_at = now;
    lane->under_way++;
    scheduler->under_way++;
    scheduler->slow_under_way += lane->slow;
    lane->probing = lane->down;
    lane_count_turn(lane, now);
    scheduler_rest_lane(scheduler, lane);
    *ret_turn = (struct scheduler_turn){
        .unit = unit->handle, .message = unit->message, .n = n, .lane = &lane->key};
    return true;
}

const struct lane_key *scheduler_lane_of(const struct scheduler *scheduler, uint32_t unit)
{
    return &scheduler_lane_of_unit(scheduler, unit)->key;
}
