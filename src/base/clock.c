/* Wall and monotonic time, with a stand-in for tests. See clock.h. */
#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

static struct {
    bool on;
    uint64_t wall_ms;
    uint64_t mono_ms;
} fake;

static uint64_t read_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_wall_ms(void)
{
    return fake.on ? fake.wall_ms : read_us(CLOCK_REALTIME) / 1000;
}

uint64_t clock_mono_ms(void)
{
    return fake.on ? fake.mono_ms : read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_mono_us(void)
{
    return fake.on ? fake.mono_ms * 1000 : read_us(CLOCK_MONOTONIC);
}

void clock_fake(uint64_t wall_ms, uint64_t mono_ms)
{
    fake.on = true;
    fake.wall_ms = wall_ms;
    fake.mono_ms = mono_ms;
}

void clock_unfake(void)
{
    fake.on = false;
}
