/*
 * The event loop of a role's main thread: readable descriptors, timers, and wake-ups from other
 * threads. Sessions of the receive role do not live here but in io/pool.h.
 *
 * Level-triggered. Everything is called on the thread that runs the loop; only loop_wake() may be
 * called from others. A callback may remove any watch, its own too.
 */
#ifndef NUNCIO_IO_LOOP_H
#define NUNCIO_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_watch;
struct loop_timer;

struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* Until loop_stop(). 0 or -errno of the waiting itself. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

enum loop_interest { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_on_ready(void *arg, unsigned ready);
/* The descriptor stays the caller's. NULL when the kernel refuses. */
struct loop_watch *loop_watch(struct loop *loop, int fd, unsigned interest, loop_on_ready *on_ready,
                              void *arg);
void loop_watch_change(struct loop_watch *watch, unsigned interest);
void loop_unwatch(struct loop_watch *watch); /* NULL is fine */

typedef void loop_on_time(void *arg);
/* One shot, not armed yet. */
struct loop_timer *loop_timer(struct loop *loop, loop_on_time *on_time, void *arg);
void loop_timer_arm(struct loop_timer *timer, uint64_t mono_ms); /* absolute; arms anew */
void loop_timer_disarm(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/* Runs `on_wake` on the loop's thread soon; many wakes may become one. Thread-safe. */
void loop_on_wake(struct loop *loop, loop_on_time *on_wake, void *arg);
void loop_wake(struct loop *loop);
/* Called after each round of events, before the loop waits again: for batching. */
void loop_on_idle(struct loop *loop, loop_on_time *on_idle, void *arg);

#endif
