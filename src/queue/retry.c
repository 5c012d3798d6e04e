/* The retry schedule and the border between queue time and wall time. See retry.h. */
#include "queue/retry.h"

#include "queue/table.h"

static const uint64_t IMPLAUSIBLE_MS = UINT64_C(30) * 24 * 3600 * 1000;

uint32_t retry_tick(uint64_t queue_ms)
{
    uint64_t tick = (queue_ms + TICK_MS - 1) / TICK_MS;

    return tick > UINT32_MAX ? UINT32_MAX : (uint32_t)tick;
}

uint64_t retry_from_tick(uint32_t tick)
{
    return (uint64_t)tick * TICK_MS;
}

uint64_t retry_delay_ms(const struct retry_rules *rules, unsigned attempts, uint64_t seed)
{
    uint64_t delay = rules->first_ms, jitter;

    for (unsigned i = 1; i < attempts && delay < rules->max_ms; i++)
        delay *= 2;
    if (delay > rules->max_ms)
        delay = rules->max_ms;
    jitter = delay / 4;
    delay -= delay / 8;
    return delay + (jitter ? table_mix(seed + attempts) % jitter : 0);
}

uint64_t retry_from_past(uint64_t now, uint64_t wall_now_ms, uint64_t wall_ms)
{
    uint64_t age = wall_ms < wall_now_ms ? wall_now_ms - wall_ms : 0;

    return age < QUEUE_TIME_START - TICK_MS ? now - age : now - (QUEUE_TIME_START - TICK_MS);
}

uint64_t retry_from_future(uint64_t now, uint64_t wall_now_ms, uint64_t wall_ms, uint64_t most_ms)
{
    uint64_t wait = wall_ms > wall_now_ms ? wall_ms - wall_now_ms : 0;

    return now + (wait < most_ms ? wait : most_ms);
}

uint64_t retry_to_wall(uint64_t now, uint64_t wall_now_ms, uint64_t at)
{
    if (at >= now)
        return wall_now_ms + (at - now);
    return wall_now_ms > now - at ? wall_now_ms - (now - at) : 0;
}

uint64_t retry_schedule_ms(const struct retry_rules *rules, unsigned attempts)
{
    uint64_t sum = 0, delay = rules->first_ms;

    for (unsigned i = 0; i < attempts; i++) {
        sum += delay;
        delay = delay * 2 < rules->max_ms ? delay * 2 : rules->max_ms;
    }
    return sum;
}

bool retry_born(const struct retry_rules *rules, uint64_t now, uint64_t wall_now_ms,
                uint64_t received_ms, uint64_t *ret_born)
{
    uint64_t born = retry_from_past(now, wall_now_ms, received_ms);
    bool plausible = now - born <= rules->expire_after_ms + IMPLAUSIBLE_MS;

    *ret_born = plausible ? born : now;
    return plausible;
}
