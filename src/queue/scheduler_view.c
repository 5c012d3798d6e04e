/* What others see of the scheduler and set in it, apart from its turns. See scheduler.h. */
#include "queue/scheduler.h"

#include "base/buf.h"
#include "queue/lane_memory.h"
#include "queue/scheduler_parts.h"

struct lane_memory *scheduler_memory(struct scheduler *scheduler, uint32_t unit)
{
    struct lane *lane = scheduler_lane_of_unit(scheduler, unit);

    if (!lane->memory)
        lane->memory = xcalloc(1, sizeof(*lane->memory));
    return lane->memory;
}

const struct lane_memory *scheduler_memory_if_any(const struct scheduler *scheduler, uint32_t unit)
{
    return scheduler_lane_of_unit(scheduler, unit)->memory;
}

bool scheduler_gave_up(const struct scheduler *scheduler, const struct lane_key *key, uint64_t now)
{
    const struct lane *lane = lanes_find(&scheduler->lanes, key);

    return lane && lane_gave_up(lane, now);
}

void scheduler_pause(struct scheduler *scheduler, enum unit_way way, bool paused)
{
    struct lane *lane;
    uint32_t handle = 0;

    if (scheduler->paused[way] == paused)
        return;
    scheduler->paused[way] = paused;
    while ((lane = lanes_next(&scheduler->lanes, &handle)))
        scheduler_update_lane(scheduler, lane);
}

void scheduler_probe_now(struct scheduler *scheduler)
{
    struct lane *lane;
    uint32_t handle = 0;

    while ((lane = lanes_next(&scheduler->lanes, &handle))) {
        lane->probe_at = 0;
        lane->pause_until = 0;
        scheduler_rest_lane(scheduler, lane);
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
