/* The way from the tap to history. See teller.h. */
#include "io/teller.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/tap.h"

#include <errno.h>
#include <time.h>

enum { GATHER_MS = 50, RETRY_MS = 200, FINISH_MS = 500, PAUSE_MS = 5, BATCH_SIZE = 128 * 1024 };

/* Lines were lost: says so in the log, and so to history, now that it listens. */
static void tell_dropped(struct teller *teller)
{
    uint64_t dropped = tap_dropped();

    if (dropped == teller->told_dropped)
        return;
    log_warn(NULL, "history-dropped", LOG_INT("events", dropped - teller->told_dropped));
    teller->told_dropped = dropped;
}

/* 0: nothing is left. */
static int tell(struct teller *teller)
{
    size_t n;
    int r;

    do {
        while ((n = tap_peek(teller->batch, BATCH_SIZE)) > 0) {
            r = teller->send(teller->arg, slice_from(teller->batch, n));
            if (r < 0)
                return r;
            tap_forget(n);
        }
        tell_dropped(teller);
    } while (!tap_rest());
    return 0;
}

static void on_time(void *arg)
{
    struct teller *teller = arg;

    if (tell(teller) < 0)
        loop_timer_arm(teller->timer, clock_mono_ms() + RETRY_MS);
}

static void on_lines(void *arg, unsigned ready)
{
    struct teller *teller = arg;

    (void)ready;
    if (!tap_rest()) /* the descriptor is clear now; the timer sees the lines */
        loop_timer_arm(teller->timer, clock_mono_ms() + GATHER_MS);
}

void teller_init(struct teller *teller, struct loop *loop, teller_send *send, void *arg)
{
    *teller = (struct teller){.send = send, .arg = arg};
    if (tap_fd() < 0)
        return;
    teller->batch = xmalloc(BATCH_SIZE);
    teller->timer = loop_timer(loop, on_time, teller);
    teller->watch = loop_watch(loop, tap_fd(), LOOP_READ, on_lines, teller);
}

void teller_finish(struct teller *teller)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000 * 1000};
    uint64_t deadline = clock_mono_ms() + FINISH_MS;

    if (!teller->batch)
        return;
    while (tell(teller) == -EAGAIN && clock_mono_ms() < deadline)
        nanosleep(&pause, NULL);
    loop_unwatch(teller->watch);
    loop_timer_free(teller->timer);
    free(teller->batch);
    teller->batch = NULL;
}
