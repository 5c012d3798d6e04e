/*
 * When to try again, and when it is too late. Pure.
 *
 * Queue time is what the scheduler counts in: milliseconds that only go forward, from the monotonic
 * clock, starting at QUEUE_TIME_START so that what happened before the start has a time too. Wall
 * time is met only at the border (retry_from_past, retry_from_future, retry_to_wall), as a
 * difference from the wall time of that moment. So a wall clock that jumps while the server runs
 * moves nothing.
 *
 * Stored in memory, a queue time is a 32-bit count of tenths of a second ("tick"), good for 13
 * years.
 */
#ifndef NUNCIO_QUEUE_RETRY_H
#define NUNCIO_QUEUE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum { TICK_MS = 100 };
#define QUEUE_TIME_START ((UINT64_C(1) << 30) * TICK_MS)

uint32_t retry_tick(uint64_t queue_ms); /* rounded up */
uint64_t retry_from_tick(uint32_t tick);

struct retry_rules {
    uint64_t first_ms, max_ms; /* the first and the longest delay */
    uint64_t warn_after_ms, expire_after_ms;
};

/*
 * The delay after the given number of failed attempts (1 and up): doubling from first_ms to max_ms,
 * and up to an eighth more or less, by `seed`, so that what failed together does not come back
 * together. One seed gives one jitter: recipients of one message stay together.
 */
uint64_t retry_delay_ms(const struct retry_rules *rules, unsigned attempts, uint64_t seed);

/* Queue time of a moment of wall time in the past (a message's arrival); the future counts as
 * now, and nothing is older than 3 years. */
uint64_t retry_from_past(uint64_t now, uint64_t wall_now_ms, uint64_t wall_ms);
/* Of a moment in the future (a stored due time); the past counts as now, and nothing is farther
 * away than `most_ms`. */
uint64_t retry_from_future(uint64_t now, uint64_t wall_now_ms, uint64_t wall_ms, uint64_t most_ms);
uint64_t retry_to_wall(uint64_t now, uint64_t wall_now_ms, uint64_t at);

/*
 * When a message came, in queue time, for its expiry. An age beyond rules->expire_after_ms and 30
 * days more cannot be: the wall clock was set, or nobody was at home for long. Then the answer is
 * false, and *ret_born is now; what is known of the message's age is what its attempts took. So
 * time that jumps by years expires nothing.
 */
bool retry_born(const struct retry_rules *rules, uint64_t now, uint64_t wall_now_ms,
                uint64_t received_ms, uint64_t *ret_born);
/* How long that many attempts take by the schedule. */
uint64_t retry_schedule_ms(const struct retry_rules *rules, unsigned attempts);

#endif
