/*
 * Lanes, windows and turns. See scheduler.h for the rules.
 *
 * A lane has six slots: fresh and retried mail by three priorities. Who waits in them is in
 * waiting.c.
 *
 * Invariants: a lane is in the scheduler's ring exactly when lane_may_go(). lane->waiting counts
 * the units in its slots that have recipients waiting. A unit whose recipients were all withdrawn
 * stays in its list, empty, until its turn comes.
 */
#include "queue/scheduler.h"

#include "base/buf.h"
#include "queue/table.h"
#include "queue/waiting.h"

#include <utlist.h>

enum { BANDS = 3, SLOTS = 2 * BANDS, FRESH = 0, RETRIED = BANDS };
enum { WINDOW_ONE = 256 /* windows are counted in parts of it */ };
enum { FRESH_TURNS = 3 /* for one of retried mail */ };
enum { CROWDED_WAIT_MS = 15000 };

struct lane {
    struct lane_key key; /* strings are the lane's own */
    struct lane_rules rules;
    uint32_t number;
    uint32_t rings[SLOTS]; /* the last sender of each; 0: empty */
    unsigned turn;         /* counts turns, for the shares */
    unsigned waiting;
    unsigned under_way;
    unsigned window;     /* in 1/WINDOW_ONE */
    unsigned peer_limit; /* of recipients, 0: unknown */
    unsigned settling;   /* turns that began before the window last shrank */
    bool failed_once;    /* no longer growing by one for each success */
    bool down, probing;
    bool in_ring;
    uint64_t down_ms, probe_at;
    struct lane *prev, *next; /* in the scheduler's ring */
};

struct scheduler {
    struct scheduler_rules rules;
    struct lane **lanes; /* by number; 0 is not used */
    uint32_t n_lanes;
    struct lane *ring; /* the lane that goes next */
    struct waiting waiting;
    struct table by_key;
    bool paused[WAY_PROGRAM + 1];
    unsigned under_way;
    uint32_t put_off; /* list of units */
};

void scheduler_free(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    for (uint32_t i = 1; i < scheduler->n_lanes; i++) {
        free((char *)(uintptr_t)scheduler->lanes[i]->key.name.ptr);
        free((char *)(uintptr_t)scheduler->lanes[i]->key.domain.ptr);
        free(scheduler->lanes[i]);
    }
    free(scheduler->lanes);
    waiting_done(&scheduler->waiting);
    table_done(&scheduler->by_key);
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
    return lane->waiting && !scheduler->paused[lane->key.way] &&
           lane->under_way < lane->window / WINDOW_ONE && (!lane->down || !lane->probing);
}

/* Puts the lane into the ring or takes it out, after anything that may change lane_may_go(). */
static void lane_update(struct scheduler *scheduler, struct lane *lane)
{
    bool may_go = lane_may_go(scheduler, lane);

    if (may_go == lane->in_ring)
        return;
    lane->in_ring = may_go;
    if (may_go)
        CDL_APPEND(scheduler->ring, lane);
    else
        CDL_DELETE(scheduler->ring, lane);
}

static uint64_t key_hash(const struct lane_key *key)
{
    return table_mix(slice_hash(key->name) ^ slice_hash(key->domain) << 1 ^ key->way);
}

static uint64_t hash_of_lane(const void *owner, uint32_t number)
{
    return key_hash(&((const struct scheduler *)owner)->lanes[number]->key);
}

static bool is_lane(const void *owner, uint32_t number, const void *wanted)
{
    const struct lane_key *has = &((const struct scheduler *)owner)->lanes[number]->key;
    const struct lane_key *key = wanted;

    return has->way == key->way && slice_eq(has->name, key->name) &&
           slice_eq(has->domain, key->domain);
}

struct scheduler *scheduler_new(const struct scheduler_rules *rules)
{
    struct scheduler *scheduler = xcalloc(1, sizeof(*scheduler));

    scheduler->rules = *rules;
    scheduler->n_lanes = 1;
    waiting_init(&scheduler->waiting);
    table_init(&scheduler->by_key, hash_of_lane, scheduler);
    return scheduler;
}

static struct lane *make_lane(struct scheduler *scheduler, const struct lane_key *key)
{
    struct lane *lane = xcalloc(1, sizeof(*lane));

    lane->key = (struct lane_key){.way = key->way,
                                  .name = slice_from(xslicedup(key->name), key->name.len),
                                  .domain = slice_from(xslicedup(key->domain), key->domain.len)};
    lane->number = scheduler->n_lanes++;
    scheduler->lanes = xrealloc(scheduler->lanes, scheduler->n_lanes * sizeof(*scheduler->lanes));
    scheduler->lanes[lane->number] = lane;
    table_add(&scheduler->by_key, lane->number);
    lane->window = SCHEDULER_WINDOW_FIRST * WINDOW_ONE;
    return lane;
}

static void bound_window(struct lane *lane)
{
    unsigned most = lane->rules.concurrency * WINDOW_ONE;

    if (lane->window > most || !lane->rules.adaptive)
        lane->window = most;
    if (lane->window < WINDOW_ONE)
        lane->window = WINDOW_ONE;
}

struct lane *scheduler_lane(struct scheduler *scheduler, const struct lane_key *key,
                            const struct lane_rules *rules)
{
    uint32_t number = table_find(&scheduler->by_key, key_hash(key), is_lane, key);
    struct lane *lane = number ? scheduler->lanes[number] : make_lane(scheduler, key);

    lane->rules = *rules;
    bound_window(lane);
    lane_update(scheduler, lane);
    return lane;
}

static void window_grow(struct lane *lane)
{
    lane->window +=
        lane->failed_once ? WINDOW_ONE * WINDOW_ONE / lane->window : (unsigned)WINDOW_ONE;
    bound_window(lane);
}

/* Turns that began under the old window say nothing new about the new one. */
static void window_shrink(struct lane *lane)
{
    lane->failed_once = true;
    if (lane->settling)
        return;
    lane->settling = lane->under_way;
    lane->window /= 2;
    bound_window(lane);
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
    struct unit key = {.sender = order->sender, .lane = lane->number, .slot = slot_of(order)};
    const struct sender *sender = waiting_find_sender(&scheduler->waiting, &key);
    struct unit *unit;

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

void scheduler_withdraw(struct scheduler *scheduler, uint32_t handle, uint32_t n)
{
    struct unit *unit = waiting_unit(&scheduler->waiting, handle);
    struct lane *lane = scheduler->lanes[unit->lane];

    unit->waiting -= n;
    if (n && !unit->waiting)
        lane->waiting--;
    lane_update(scheduler, lane);
    forget_if_over(scheduler, unit);
}

/* ---- turns --------------------------------------------------------------------------------- */

static uint32_t ring_of_class(const struct lane *lane, unsigned class)
{
    for (unsigned band = 0; band < BANDS; band++) {
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

bool scheduler_next(struct scheduler *scheduler, struct scheduler_turn *ret_turn)
{
    struct lane *lane = scheduler->ring;
    struct sender *sender;
    struct unit *unit;
    uint32_t n;

    if (!lane || scheduler->under_way >= scheduler->rules.concurrency)
        return false;
    scheduler->ring = lane->next;
    unit = next_unit(scheduler, lane, &sender);
    n = turn_size(lane, unit);
    take_from_sender(scheduler, lane, sender, unit, n);
    lane->turn++;
    lane->under_way++;
    scheduler->under_way++;
    lane->probing = lane->down;
    lane_update(scheduler, lane);
    *ret_turn = (struct scheduler_turn){
        .unit = unit->handle, .message = unit->message, .n = n, .lane = &lane->key};
    return true;
}

const struct lane_key *scheduler_lane_of(const struct scheduler *scheduler, uint32_t unit)
{
    return &scheduler->lanes[waiting_unit(&scheduler->waiting, unit)->lane]->key;
}

/* Everything that waits in the lane joins the list of what is put off. */
static void put_off_all(struct scheduler *scheduler, struct lane *lane)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        while (lane->rings[slot]) {
            struct unit *unit = waiting_unqueue(&scheduler->waiting, &lane->rings[slot]);
            unit->queued = true; /* here, so that nothing frees it */
            unit->next = scheduler->put_off;
            scheduler->put_off = unit->handle;
        }
    }
    lane->waiting = 0;
}

static void take_down(struct scheduler *scheduler, struct lane *lane, uint64_t now)
{
    const struct scheduler_rules *rules = &scheduler->rules;

    if (lane->down && !lane->probing)
        return; /* a turn from before, which tells nothing new */
    lane->down_ms = lane->down_ms ? lane->down_ms * 2 : rules->down_first_ms;
    if (lane->down_ms > rules->down_max_ms)
        lane->down_ms = rules->down_max_ms;
    lane->down = true;
    lane->probing = false;
    lane->probe_at = now + lane->down_ms;
    lane->window = WINDOW_ONE;
    lane->failed_once = false;
    bound_window(lane);
    put_off_all(scheduler, lane);
}

static void bring_up(struct lane *lane)
{
    lane->down = false;
    lane->probing = false;
    lane->down_ms = 0;
}

static void judge(struct scheduler *scheduler, struct lane *lane, enum turn_end end, uint64_t now)
{
    switch (end) {
    case TURN_TAKEN:
        bring_up(lane);
        window_grow(lane);
        break;
    case TURN_REFUSED:
        bring_up(lane);
        window_shrink(lane);
        break;
    case TURN_UNHEARD:
        take_down(scheduler, lane, now);
        break;
    case TURN_CANCELLED:
        lane->probing = false;
        break;
    }
}

void scheduler_end_turn(struct scheduler *scheduler, uint32_t handle, enum turn_end end, uint32_t n,
                        uint32_t again, uint32_t peer_limit, uint64_t now)
{
    struct unit *unit = waiting_unit(&scheduler->waiting, handle);
    struct lane *lane = scheduler->lanes[unit->lane];
    bool began_before = lane->settling > 0;

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
    judge(scheduler, lane, end, now);
    if (began_before)
        lane->settling--;
    lane_update(scheduler, lane);
    forget_if_over(scheduler, unit);
}

bool scheduler_take_put_off(struct scheduler *scheduler, struct put_off *ret_put_off)
{
    while (scheduler->put_off) {
        struct unit *unit = waiting_unit(&scheduler->waiting, scheduler->put_off);
        bool any = unit->waiting > 0;
        scheduler->put_off = unit->next;
        unit->queued = false;
        *ret_put_off = (struct put_off){.unit = unit->handle,
                                        .message = unit->message,
                                        .until = scheduler->lanes[unit->lane]->probe_at};
        unit->waiting = 0;
        forget_if_over(scheduler, unit);
        if (any)
            return true;
    }
    return false;
}

void scheduler_pause(struct scheduler *scheduler, enum unit_way way, bool paused)
{
    scheduler->paused[way] = paused;
    for (uint32_t i = 1; i < scheduler->n_lanes; i++)
        lane_update(scheduler, scheduler->lanes[i]);
}

void scheduler_probe_now(struct scheduler *scheduler)
{
    for (uint32_t i = 1; i < scheduler->n_lanes; i++)
        scheduler->lanes[i]->probe_at = 0;
}

bool scheduler_view(const struct scheduler *scheduler, const struct lane **cursor,
                    struct lane_view *ret_view)
{
    uint32_t number = *cursor ? (*cursor)->number + 1 : 1;
    const struct lane *lane;

    if (number >= scheduler->n_lanes)
        return false;
    lane = *cursor = scheduler->lanes[number];
    *ret_view = (struct lane_view){.key = lane->key,
                                   .window = lane->window / WINDOW_ONE,
                                   .under_way = lane->under_way,
                                   .waiting = lane->waiting,
                                   .down = lane->down,
                                   .probe_at = lane->probe_at};
    return true;
}
