/*
 * The rate is kept by the "generic cell rate algorithm", a token bucket in one number: rate_us is
 * the time at which the next turn would be due if all of them were spread evenly, and a turn may
 * come before it by as much as the bucket holds. The bucket holds a tenth of the rate, and is
 * filled so much slower that no rate_ms ever sees more turns than `rate`.
 *
 * A pause doubles each time, unless another one is running (turns that began together are refused
 * together), and its memory is halved by each success.
 */
#include "queue/lane.h"

#include "base/buf.h"

enum { BURST_PART = 10 /* of the rate */ };

void lane_init(struct lane *lane, const struct lane_key *key)
{
    lane->key = (struct lane_key){.way = key->way,
                                  .name = slice_from(xslicedup(key->name), key->name.len),
                                  .domain = slice_from(xslicedup(key->domain), key->domain.len)};
    lane->window = SCHEDULER_WINDOW_FIRST * LANE_WINDOW_ONE;
}

void lane_done(struct lane *lane)
{
    free((char *)(uintptr_t)lane->key.name.ptr);
    free((char *)(uintptr_t)lane->key.domain.ptr);
    free(lane->memory);
}

/* ---- window -------------------------------------------------------------------------------- */

static void bound_window(struct lane *lane)
{
    unsigned most = lane->rules.concurrency * LANE_WINDOW_ONE;

    if (lane->window > most || !lane->rules.adaptive)
        lane->window = most;
    if (lane->window < LANE_WINDOW_ONE)
        lane->window = LANE_WINDOW_ONE;
}

/* Under another rate the bucket is full: what was counted by the old one might keep the lane
 * waiting for as long as that did. */
void lane_set_rules(struct lane *lane, const struct lane_rules *rules)
{
    if (rules->rate != lane->rules.rate || rules->rate_ms != lane->rules.rate_ms)
        lane->rate_us = 0;
    lane->rules = *rules;
    bound_window(lane);
}

unsigned lane_window(const struct lane *lane)
{
    return lane->window / LANE_WINDOW_ONE;
}

void lane_grow(struct lane *lane)
{
    lane->window += lane->failed_once ? LANE_WINDOW_ONE * LANE_WINDOW_ONE / lane->window
                                      : (unsigned)LANE_WINDOW_ONE;
    bound_window(lane);
    lane->pause_ms = lane->pause_ms / 2 < LANE_PAUSE_FIRST_MS ? 0 : lane->pause_ms / 2;
}

/* Turns that began under the old window say nothing new about the new one. */
void lane_shrink(struct lane *lane)
{
    lane->failed_once = true;
    if (lane->settling)
        return;
    lane->settling = lane->under_way;
    lane->window /= 2;
    bound_window(lane);
}

/* ---- down and up --------------------------------------------------------------------------- */

bool lane_take_down(struct lane *lane, const struct scheduler_rules *rules, uint64_t now)
{
    if (lane->down && !lane->probing)
        return false;
    lane->down_ms = lane->down_ms ? lane->down_ms * 2 : rules->down_first_ms;
    if (lane->down_ms > rules->down_max_ms)
        lane->down_ms = rules->down_max_ms;
    if (!lane->down)
        lane->down_since = now;
    lane->down = true;
    lane->probing = false;
    lane->probe_at = now + lane->down_ms;
    lane->window = LANE_WINDOW_ONE;
    lane->failed_once = false;
    bound_window(lane);
    return true;
}

void lane_bring_up(struct lane *lane)
{
    lane->down = false;
    lane->probing = false;
    lane->down_ms = 0;
}

bool lane_gave_up(const struct lane *lane, uint64_t now)
{
    bool wants_probe = now >= lane->probe_at && !lane->probing && !lane->waiting;

    return lane->down && lane->rules.give_up_ms &&
           now - lane->down_since >= lane->rules.give_up_ms && !wants_probe;
}

/* ---- rate and pauses ----------------------------------------------------------------------- */

static uint64_t burst_of(const struct lane *lane)
{
    return 1 + lane->rules.rate / BURST_PART;
}

/* Between two turns, once the bucket is empty; rounded up. */
static uint64_t interval_us(const struct lane *lane)
{
    uint64_t turns = lane->rules.rate - burst_of(lane) + 1;

    return (lane->rules.rate_ms * 1000 + turns - 1) / turns;
}

void lane_count_turn(struct lane *lane, uint64_t now)
{
    uint64_t now_us = now * 1000;

    if (lane->rules.rate)
        lane->rate_us = (lane->rate_us > now_us ? lane->rate_us : now_us) + interval_us(lane);
}

void lane_uncount_turn(struct lane *lane)
{
    if (lane->rules.rate)
        lane->rate_us -= interval_us(lane) < lane->rate_us ? interval_us(lane) : lane->rate_us;
}

void lane_pause(struct lane *lane, uint64_t at_least_ms, uint64_t now)
{
    lane->failed_once = true;
    lane->window = LANE_WINDOW_ONE;
    bound_window(lane);
    if (now < lane->pause_until)
        return;
    lane->pause_ms = lane->pause_ms ? lane->pause_ms * 2 : LANE_PAUSE_FIRST_MS;
    if (lane->pause_ms < at_least_ms)
        lane->pause_ms = at_least_ms;
    if (lane->pause_ms > LANE_PAUSE_MAX_MS)
        lane->pause_ms = LANE_PAUSE_MAX_MS;
    lane->pause_until = now + lane->pause_ms;
}

uint64_t lane_ready_at(const struct lane *lane)
{
    uint64_t early_us, at = 0;

    if (lane->rules.rate) {
        early_us = (burst_of(lane) - 1) * interval_us(lane);
        at = lane->rate_us > early_us ? (lane->rate_us - early_us + 999) / 1000 : 0;
    }
    return at > lane->pause_until ? at : lane->pause_until;
}

bool lane_is_held_back(const struct lane *lane, uint64_t now)
{
    return now < lane->pause_until || (lane->rules.rate && lane->rate_us > now * 1000);
}
