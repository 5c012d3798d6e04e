/*
 * A pool of threads that run tasks, and the waiter in which tasks are parked between their steps.
 *
 * A task is a descriptor and a function. The function is called when the descriptor is ready, when
 * a deadline has come, or when another thread woke the task; it runs straight down and returns how
 * to go on: parked again, at the back of the queue, or ended. It is never run by two threads at a
 * time. Parked, it holds no thread: about 128 bytes of memory here and an entry in epoll.
 *
 * Readiness may be reported without need: a function tries its read or write and parks again when
 * there is nothing. Deadlines are kept to about 50 ms.
 */
#ifndef NUNCIO_IO_TASKS_H
#define NUNCIO_IO_TASKS_H

#include "base/arena.h"
#include "base/buf.h"

struct tasks;
struct task;

enum task_want { TASK_NOTHING = 0, TASK_READ = 1, TASK_WRITE = 2 };

enum task_why {
    TASK_READY,    /* the descriptor, perhaps */
    TASK_TIMEOUT,  /* the deadline has come */
    TASK_WOKEN,    /* by task_wake() */
    TASK_STOPPING, /* the pool is coming to its end, see tasks_finish() */
};

enum task_next {
    TASK_PARK,  /* until the descriptor is as wanted, the deadline, or a wake */
    TASK_YIELD, /* there is more to do, but others first */
    TASK_END,   /* over: the descriptor is closed, `arg` is gone */
};

enum { TASK_NO_DEADLINE = 0 };

struct task_step {
    enum task_next next;
    unsigned want;        /* enum task_want, or-ed */
    uint64_t deadline_ms; /* monotonic time, or TASK_NO_DEADLINE */
};

/* A thread's own room, lent to the task for the length of a step. */
struct task_scratch {
    char *bytes; /* uninitialised */
    size_t size;
    struct buf out;     /* empty when the step begins */
    struct arena arena; /* likewise */
};
enum { TASK_SCRATCH_SIZE = 64 * 1024, TASK_SCRATCH_OUT_MAX = 256 * 1024 };

void task_scratch_init(struct task_scratch *scratch);
void task_scratch_done(struct task_scratch *scratch);

typedef struct task_step task_run(void *arg, enum task_why why, struct task_scratch *scratch);

/* Starts the threads; fewer when the system has no more, and then says so in the log. NULL when
 * not even one can be had. `name` is for the threads; it lives as long as the pool. */
struct tasks *tasks_new(const char *name, unsigned threads);

/*
 * A task in the parked state that `first` describes. *ret_task is set before its function can be
 * called. -ENOMEM, -ENOSPC when the kernel refuses; then the descriptor and `arg` stay the
 * caller's.
 */
int tasks_add(struct tasks *pool, int fd, struct task_step first, task_run *run, void *arg,
              struct task **ret_task);

/* Runs the task soon, now or after the step it is in. From any thread; the caller sees to it that
 * the task has not ended. */
void task_wake(struct task *task);

/* Ends the threads once each has finished its step. No step is run after it but by tasks_finish().
 */
void tasks_stop(struct tasks *pool);
/* After tasks_stop(): one step of every task, with TASK_STOPPING, on this thread. Returns how many
 * have not ended. */
unsigned tasks_finish(struct tasks *pool);
/* Whoever wakes tasks is gone. Tasks that have not ended are forgotten: their descriptors are the
 * caller's problem. */
void tasks_free(struct tasks *pool);

#endif
