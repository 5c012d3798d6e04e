/*
 * How a turn ends, and what that says about its lane.
 *
 * A lane that is taken down puts off everything that waits in it: the units join a list that the
 * caller empties at once.
 */
#include "queue/scheduler.h"

#include "queue/scheduler_parts.h"

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

void scheduler_note_duration(struct scheduler *scheduler, uint32_t handle, uint64_t ms)
{
    struct lane *lane = scheduler_lane_of_unit(scheduler, handle);

    if (lane->slow)
        scheduler->slow_under_way -= lane->under_way;
    lane->slow = ms >= SCHEDULER_SLOW_MS;
    if (lane->slow)
        scheduler->slow_under_way += lane->under_way;
}

void scheduler_slow_down(struct scheduler *scheduler, uint32_t handle, uint64_t at_least_ms,
                         uint64_t now)
{
    struct lane *lane = scheduler_lane_of_unit(scheduler, handle);

    scheduler->now = now;
    lane_pause(lane, at_least_ms, now);
    scheduler_rest_lane(scheduler, lane);
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
    scheduler->slow_under_way -= lane->slow;
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
    if (end == TURN_TAKEN || end == TURN_REFUSED || end == TURN_HEARD) {
        lane->heard = true;
        lane->heard_at = now;
    }
    if (began_before)
        lane->settling--;
    scheduler_rest_lane(scheduler, lane);
    scheduler_forget_unit(scheduler, unit);
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
        scheduler_forget_unit(scheduler, unit);
        if (any)
            return true;
    }
    return false;
}
