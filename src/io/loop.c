/*
 * The event loop of a role's main thread over epoll.
 *
 * Timers are few here (a role has tens of them, not one for each session), so they stand in a
 * plain list that each round walks once. A watch that is removed while events for it are already
 * in hand is only marked, and freed at the end of the round: a callback can never be called with
 * freed memory behind it.
 */
#include "io/loop.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

enum { EVENTS_PER_ROUND = 64 };

struct loop_watch {
    struct loop *loop;
    int fd;
    bool removed;
    loop_on_ready *on_ready;
    void *arg;
    struct loop_watch *prev, *next;
};

struct loop_timer {
    struct loop *loop;
    bool armed;
    uint64_t due_ms;
    loop_on_time *on_time;
    void *arg;
    struct loop_timer *prev, *next;
};

struct loop_hook {
    loop_on_time *call;
    void *arg;
};

struct loop {
    int epoll;
    int wake_fd;
    bool stopping;
    bool any_removed;
    struct loop_watch *watches;
    struct loop_timer *timers;
    struct loop_timer *next_timer; /* where the walk goes on; a freed timer moves it */
    struct loop_hook on_wake, on_idle;
};

static void take_wake(void *arg, unsigned ready)
{
    struct loop *loop = arg;
    uint64_t count;

    (void)ready;
    if (read(loop->wake_fd, &count, sizeof(count)) < 0)
        return;
    if (loop->on_wake.call)
        loop->on_wake.call(loop->on_wake.arg);
}

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));

    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll < 0 || loop->wake_fd < 0 ||
        !loop_watch(loop, loop->wake_fd, LOOP_READ, take_wake, loop)) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

static void free_removed(struct loop *loop)
{
    struct loop_watch *watch, *next;

    if (!loop->any_removed)
        return;
    loop->any_removed = false;
    DL_FOREACH_SAFE(loop->watches, watch, next)
    {
        if (watch->removed) {
            DL_DELETE(loop->watches, watch);
            free(watch);
        }
    }
}

void loop_free(struct loop *loop)
{
    struct loop_watch *watch, *next_watch;
    struct loop_timer *timer, *next_timer;

    if (!loop)
        return;
    DL_FOREACH_SAFE(loop->watches, watch, next_watch)
    free(watch);
    DL_FOREACH_SAFE(loop->timers, timer, next_timer)
    free(timer);
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    free(loop);
}

static uint32_t epoll_events(unsigned interest)
{
    return (interest & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
           (interest & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

struct loop_watch *loop_watch(struct loop *loop, int fd, unsigned interest, loop_on_ready *on_ready,
                              void *arg)
{
    struct loop_watch *watch = xcalloc(1, sizeof(*watch));
    struct epoll_event event = {.events = epoll_events(interest), .data.ptr = watch};

    *watch = (struct loop_watch){.loop = loop, .fd = fd, .on_ready = on_ready, .arg = arg};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(watch);
        return NULL;
    }
    DL_APPEND(loop->watches, watch);
    return watch;
}

void loop_watch_change(struct loop_watch *watch, unsigned interest)
{
    struct epoll_event event = {.events = epoll_events(interest), .data.ptr = watch};

    /* Fails only for a descriptor that its owner closed before unwatching: a bug, seen in tests. */
    (void)epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_unwatch(struct loop_watch *watch)
{
    if (!watch || watch->removed)
        return;
    (void)epoll_ctl(watch->loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->removed = true;
    watch->loop->any_removed = true;
}

struct loop_timer *loop_timer(struct loop *loop, loop_on_time *on_time, void *arg)
{
    struct loop_timer *timer = xcalloc(1, sizeof(*timer));

    *timer = (struct loop_timer){.loop = loop, .on_time = on_time, .arg = arg};
    DL_APPEND(loop->timers, timer);
    return timer;
}

void loop_timer_arm(struct loop_timer *timer, uint64_t mono_ms)
{
    timer->armed = true;
    timer->due_ms = mono_ms;
}

void loop_timer_disarm(struct loop_timer *timer)
{
    timer->armed = false;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (!timer)
        return;
    if (timer->loop->next_timer == timer)
        timer->loop->next_timer = timer->next;
    DL_DELETE(timer->loop->timers, timer);
    free(timer);
}

void loop_on_wake(struct loop *loop, loop_on_time *on_wake, void *arg)
{
    loop->on_wake = (struct loop_hook){.call = on_wake, .arg = arg};
}

void loop_on_idle(struct loop *loop, loop_on_time *on_idle, void *arg)
{
    loop->on_idle = (struct loop_hook){.call = on_idle, .arg = arg};
}

void loop_wake(struct loop *loop)
{
    uint64_t one = 1;

    /* EAGAIN means that the counter is full: a wake-up is under way already. */
    if (write(loop->wake_fd, &one, sizeof(one)) < 0)
        return;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

/* Milliseconds until the next timer, -1 for none. */
static int next_timeout(const struct loop *loop)
{
    uint64_t now = clock_mono_ms();
    uint64_t wait = UINT64_MAX;
    const struct loop_timer *timer;

    DL_FOREACH(loop->timers, timer)
    {
        uint64_t left = timer->due_ms > now ? timer->due_ms - now : 0;
        if (timer->armed && left < wait)
            wait = left;
    }
    if (wait == UINT64_MAX)
        return -1;
    return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static void run_timers(struct loop *loop)
{
    uint64_t now = clock_mono_ms();
    struct loop_timer *timer = loop->timers;

    while (timer) {
        loop->next_timer = timer->next;
        if (timer->armed && timer->due_ms <= now) {
            timer->armed = false;
            timer->on_time(timer->arg);
        }
        timer = loop->next_timer;
    }
}

static void run_watches(const struct epoll_event *events, int n)
{
    for (int i = 0; i < n; i++) {
        struct loop_watch *watch = events[i].data.ptr;
        unsigned ready = 0;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            ready |= LOOP_READ;
        if (events[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            ready |= LOOP_WRITE;
        if (!watch->removed)
            watch->on_ready(watch->arg, ready);
    }
}

int loop_run(struct loop *loop)
{
    struct epoll_event events[EVENTS_PER_ROUND];

    while (!loop->stopping) {
        int n = epoll_wait(loop->epoll, events, EVENTS_PER_ROUND, next_timeout(loop));
        if (n < 0 && errno != EINTR)
            return -errno;
        run_watches(events, n);
        run_timers(loop);
        if (loop->on_idle.call)
            loop->on_idle.call(loop->on_idle.arg);
        free_removed(loop);
    }
    loop->stopping = false; /* so that it can run again */
    return 0;
}
