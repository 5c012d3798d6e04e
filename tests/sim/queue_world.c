/* Virtual time, events, and the loop and role calls that the queue role makes. */
#include "queue_world.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

struct world *world;

void world_say(const char *format, ...)
{
    va_list args;

    if (!world->verbose)
        return;
    printf("%12" PRIu64 " ", world->now);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

uint64_t world_wall(void)
{
    return (uint64_t)((int64_t)world->now + world->wall_shift);
}

bool world_fault(unsigned once_in)
{
    return !world->faults_over && sim_once_in(&world->random, once_in);
}

bool world_was_killed(void)
{
    const struct world_faults *faults = &world->faults;

    return faults->crash_once_in || faults->write_fails_once_in || faults->peer_dies_once_in;
}

/* ---- events -------------------------------------------------------------------------------- */

void world_later(uint64_t ms, void (*call)(struct event *event), uint64_t number,
                 struct slice payload, uint64_t epoch)
{
    struct event event = {.at = world->now + ms,
                          .order = world->serial++,
                          .call = call,
                          .number = number,
                          .epoch = epoch};

    if (payload.len)
        event.payload = slice_from(xslicedup(payload), payload.len);
    if (world->n_events == world->events_size) {
        world->events_size = world->events_size ? world->events_size * 2 : 64;
        world->events = xrealloc(world->events, world->events_size * sizeof(*world->events));
    }
    world->events[world->n_events++] = event;
}

static size_t first_event(void)
{
    size_t first = 0;

    for (size_t i = 1; i < world->n_events; i++) {
        const struct event *event = &world->events[i], *least = &world->events[first];
        if (event->at < least->at || (event->at == least->at && event->order < least->order))
            first = i;
    }
    return first;
}

static void fire(size_t index)
{
    struct event event = world->events[index];

    world->events[index] = world->events[--world->n_events];
    event.call(&event);
    free((char *)(uintptr_t)event.payload.ptr);
}

static uint64_t next_timer(void)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < world->n_timers; i++) {
        if (world->timer_armed[i] && world->timers[i] < next)
            next = world->timers[i];
    }
    return next;
}

static void jump_clock(void)
{
    int64_t years = (int64_t)sim_below(&world->random, 20) - 10;

    if (world_fault(world->faults.clock_jumps_once_in)) {
        world->wall_shift += years * 365 * 24 * 3600 * 1000;
        if (world->wall_shift < 0)
            world->wall_shift = 0;
        world_say("the wall clock jumps by %" PRId64 " years", years);
    }
}

static void set_time(uint64_t now)
{
    if (now > world->now)
        world->now = now;
    clock_fake(world_wall(), world->now);
}

/* The loop of the role: until it stops, crashes, or nothing is left to happen. */
static void run(void)
{
    while (!world->stopped) {
        size_t event;
        uint64_t timer;
        world->woken = false;
        set_time(world->now);
        world->on_idle(world->on_idle_arg);
        if (world->stopped || world->woken)
            continue;
        timer = next_timer();
        event = world->n_events ? first_event() : 0;
        if (world->n_events && world->events[event].at <= timer) {
            set_time(world->events[event].at);
            fire(event);
        } else {
            set_time(timer);
            for (unsigned i = 0; i < world->n_timers; i++)
                world->timer_armed[i] = world->timer_armed[i] && world->timers[i] > timer;
        }
        jump_clock();
        if (world_fault(world->faults.crash_once_in)) {
            world_say("the queue role is killed");
            world->stopped = true;
        }
    }
}

/* ---- io/loop.h and io/role.h --------------------------------------------------------------- */

struct loop_watch *loop_watch(struct loop *loop, int fd, unsigned interest, loop_on_ready *on_ready,
                              void *arg)
{
    (void)loop, (void)fd, (void)interest, (void)on_ready, (void)arg;
    return NULL; /* only the control socket has one, and here is none */
}

void loop_watch_change(struct loop_watch *watch, unsigned interest)
{
    (void)watch, (void)interest;
}

void loop_unwatch(struct loop_watch *watch)
{
    (void)watch;
}

struct loop_timer *loop_timer(struct loop *loop, loop_on_time *on_time, void *arg)
{
    (void)loop, (void)on_time, (void)arg; /* the role's timers only end a wait */
    world->timer_armed[world->n_timers] = false;
    return (struct loop_timer *)&world->timers[world->n_timers++];
}

void loop_timer_arm(struct loop_timer *timer, uint64_t mono_ms)
{
    uint64_t *at = (uint64_t *)timer;

    *at = mono_ms;
    world->timer_armed[at - world->timers] = true;
}

void loop_timer_disarm(struct loop_timer *timer)
{
    world->timer_armed[(uint64_t *)timer - world->timers] = false;
}

void loop_timer_free(struct loop_timer *timer)
{
    loop_timer_disarm(timer);
}

void loop_on_wake(struct loop *loop, loop_on_time *on_wake, void *arg)
{
    (void)loop, (void)on_wake, (void)arg;
}

void loop_on_idle(struct loop *loop, loop_on_time *on_idle, void *arg)
{
    (void)loop;
    world->on_idle = on_idle;
    world->on_idle_arg = arg;
}

void loop_wake(struct loop *loop)
{
    (void)loop;
    world->woken = true;
}

void loop_stop(struct loop *loop)
{
    (void)loop;
    world->stopped = true;
}

int role_run(struct role_context *role, const struct role_handlers *handlers)
{
    role->handlers = handlers;
    world->handlers = handlers;
    peers_start();
    run();
    return 0;
}

int role_send(struct role_context *role, enum role to, uint16_t type, struct slice payload,
              const int *fds, unsigned n_fds)
{
    (void)role, (void)fds, (void)n_fds;
    return peers_take(to, type, payload);
}

static void on_room(struct event *event)
{
    enum role peer = (enum role)event->number;

    if (event->epoch == world->life && world->is_up[peer])
        world->handlers->peer_writable(world->handlers->arg, peer);
}

void role_want_writable(struct role_context *role, enum role peer)
{
    (void)role;
    world_later(50, on_room, peer, SLICE_NULL, world->life);
}
