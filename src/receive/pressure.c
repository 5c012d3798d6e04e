/*
 * See pressure.h.
 *
 * Both sides speak of positions as (segment, length). Lengths of segments differ, and numbers may
 * be left out, so each segment is remembered with what was published before it. The queue may be
 * in a segment that we do not know: a newer one, which it goes to when it has read a sealed one to
 * its end; or one of a former life or of long ago, and then it has read nothing of ours.
 */
#include "receive/pressure.h"

#include <string.h>

void pressure_published(struct pressure *pressure, uint64_t segment, uint64_t length)
{
    if (pressure->n_segments == 0 || pressure->segments[0].segment != segment) {
        memmove(&pressure->segments[1], &pressure->segments[0],
                sizeof(pressure->segments) - sizeof(pressure->segments[0]));
        pressure->segments[0].segment = segment;
        pressure->segments[0].before = pressure->published;
        if (pressure->n_segments < PRESSURE_SEGMENTS)
            pressure->n_segments++;
    }
    if (pressure->segments[0].before + length > pressure->published)
        pressure->published = pressure->segments[0].before + length;
}

void pressure_taken(struct pressure *pressure, uint64_t segment, uint64_t length)
{
    pressure->taken_segment = segment;
    pressure->taken_length = length;
    pressure->heard = true;
}

void pressure_forget(struct pressure *pressure)
{
    pressure->heard = false;
}

uint64_t pressure_unread(const struct pressure *pressure)
{
    uint64_t end = pressure->published, before = end;

    if (!pressure->heard || pressure->n_segments == 0 ||
        pressure->taken_segment > pressure->segments[0].segment)
        return 0;
    for (unsigned i = 0; i < pressure->n_segments; i++) {
        before = pressure->segments[i].before;
        if (pressure->segments[i].segment == pressure->taken_segment) {
            uint64_t unread = end - before;
            if (unread <= pressure->taken_length)
                return pressure->published - end;
            return pressure->published - before - pressure->taken_length;
        }
        end = before;
    }
    return pressure->published - before;
}

unsigned pressure_delay_ms(uint64_t unread)
{
    if (unread <= PRESSURE_SLOW_FROM)
        return 0;
    if (unread >= PRESSURE_SLOWEST_FROM)
        return PRESSURE_DELAY_MAX_MS;
    return (unsigned)((unread - PRESSURE_SLOW_FROM) * PRESSURE_DELAY_MAX_MS /
                      (PRESSURE_SLOWEST_FROM - PRESSURE_SLOW_FROM));
}

bool pressure_refuses(uint64_t unread)
{
    return unread >= PRESSURE_REFUSE_FROM;
}
