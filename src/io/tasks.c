/*
 * Threads, epoll, ready queue, timers. See tasks.h.
 *
 * Who has a task is decided in task_state.h by one compare-and-swap between a thread that epoll
 * told of readiness, the timer, and a wake.
 *
 * A thread takes events from epoll itself, one at a time (a step may block for a while, and must
 * not sit on other tasks' events), so readiness costs no hand-over between threads. Wakes, timers
 * and yields go over the ready queue; a thread serves epoll and the queue in turn. No more threads
 * than processors do so at a time (turns.h); the others are there for steps that block.
 *
 * Tasks live in chunks that are never freed while the pool lives. epoll carries a task's index
 * and generation, so a late event for a task that has ended meanwhile is recognised as that.
 *
 * Timers are lazy: a deadline that moves away costs nothing, because an entry that comes out too
 * early is set again. Locks: `ready_lock` guards the ready queue, `slots_lock` the free list and
 * the chunk table, `wheel_lock` the wheel and the timerfd. The only nesting: ready_lock is taken
 * with wheel_lock held.
 */
#include "io/tasks.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/task_state.h"
#include "io/turns.h"
#include "io/wheel.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    CHUNK_TASKS = 256,
    CHUNKS_MAX = 4096, /* a million tasks */
    STACK_SIZE = 256 * 1024,
    THREADS_MAX = 1024,
};

/* What epoll carries for the two descriptors that are no task's. */
static const uint64_t KICK = UINT64_MAX, TIMER = UINT64_MAX - 1;

struct task {
    struct task_state state;
    _Atomic uint64_t deadline_ms;
    _Atomic uint64_t timer_ms; /* when the wheel looks at it; 0: not in the wheel */
    struct wheel_entry timer;
    struct tasks *pool;
    struct task *next; /* in the ready queue or the free list */
    task_run *run;
    void *arg;
    int fd;
    uint32_t index;
    enum task_why why; /* while QUEUED */
};

struct worker {
    struct tasks *pool;
    pthread_t thread;
    struct task_scratch scratch;
};

struct tasks {
    const char *name;
    int epoll, kick, timerfd;
    atomic_bool stopping;

    pthread_mutex_t ready_lock;
    struct task *ready_first, *ready_last;
    atomic_uint ready_count;
    atomic_uint sleepers;

    pthread_mutex_t slots_lock;
    struct task *free;
    struct task *_Atomic chunks[CHUNKS_MAX];
    unsigned n_chunks;

    pthread_mutex_t wheel_lock;
    struct wheel wheel;
    uint64_t timerfd_ms; /* what the timerfd is set to */

    struct turns turns;
    struct worker *workers;
    unsigned n_workers;
};

/* ---- ready queue ---------------------------------------------------------------------------- */

static void kick(struct tasks *pool)
{
    uint64_t one = 1;

    /* Fails only when the counter is full, and then the event is there already. */
    if (atomic_load(&pool->sleepers) > 0 && write(pool->kick, &one, sizeof(one)) < 0)
        return;
}

static void push_ready(struct task *task, enum task_why why)
{
    struct tasks *pool = task->pool;

    task->why = why;
    task->next = NULL;
    pthread_mutex_lock(&pool->ready_lock);
    if (pool->ready_last)
        pool->ready_last->next = task;
    else
        pool->ready_first = task;
    pool->ready_last = task;
    atomic_fetch_add(&pool->ready_count, 1);
    pthread_mutex_unlock(&pool->ready_lock);
    kick(pool);
}

static struct task *pop_ready(struct tasks *pool)
{
    struct task *task;

    if (atomic_load(&pool->ready_count) == 0)
        return NULL;
    pthread_mutex_lock(&pool->ready_lock);
    task = pool->ready_first;
    if (task) {
        pool->ready_first = task->next;
        if (!task->next)
            pool->ready_last = NULL;
        atomic_fetch_sub(&pool->ready_count, 1);
    }
    pthread_mutex_unlock(&pool->ready_lock);
    if (task && atomic_load(&pool->ready_count) > 0)
        kick(pool); /* somebody may sleep while this one is being run */
    return task;
}

void task_wake(struct task *task)
{
    if (task_state_wake(&task->state))
        push_ready(task, TASK_WOKEN);
}

/* ---- timers --------------------------------------------------------------------------------- */

/* With wheel_lock held. */
static void set_timerfd(struct tasks *pool)
{
    uint64_t next = wheel_next(&pool->wheel);
    struct itimerspec spec = {.it_value = {.tv_sec = 0}};
    uint64_t now, wait;

    if (next == pool->timerfd_ms || next == UINT64_MAX)
        return;
    now = clock_mono_ms();
    wait = next > now ? next - now : 1;
    spec.it_value.tv_sec = (time_t)(wait / 1000);
    spec.it_value.tv_nsec = (long)(wait % 1000) * 1000000;
    pool->timerfd_ms = next;
    (void)timerfd_settime(pool->timerfd, 0, &spec, NULL);
}

/* With wheel_lock held. Sees a deadline that came nearer while it was being set: the owner writes
 * it before it reads timer_ms. */
static void set_timer(struct task *task, uint64_t deadline_ms)
{
    for (;;) {
        uint64_t at = wheel_set(&task->pool->wheel, &task->timer, deadline_ms);
        uint64_t deadline;
        atomic_store(&task->timer_ms, at);
        deadline = atomic_load(&task->deadline_ms);
        if (deadline == TASK_NO_DEADLINE || deadline >= deadline_ms)
            return;
        deadline_ms = deadline;
    }
}

static void want_timer(struct task *task, uint64_t deadline_ms)
{
    struct tasks *pool = task->pool;
    uint64_t at;

    atomic_store(&task->deadline_ms, deadline_ms);
    at = atomic_load(&task->timer_ms);
    if (deadline_ms == TASK_NO_DEADLINE || (at != 0 && at <= deadline_ms))
        return;
    pthread_mutex_lock(&pool->wheel_lock);
    set_timer(task, deadline_ms);
    set_timerfd(pool);
    pthread_mutex_unlock(&pool->wheel_lock);
}

/* An entry has come out of the wheel; with wheel_lock held. */
static void look_at_timer(struct task *task, uint64_t now)
{
    uint64_t deadline = atomic_load(&task->deadline_ms);
    enum task_phase phase = task_state_phase(&task->state);

    if (phase != TASK_PARKED) {
        set_timer(task, now + WHEEL_TICK_MS); /* whoever runs it may count on this entry */
    } else if (deadline == TASK_NO_DEADLINE || deadline > now) {
        set_timer(task, deadline ? deadline : UINT64_MAX);
    } else if (task_state_claim(&task->state)) {
        atomic_store(&task->timer_ms, 0);
        push_ready(task, TASK_TIMEOUT);
    } else {
        set_timer(task, now + WHEEL_TICK_MS);
    }
}

static void run_timers(struct tasks *pool)
{
    uint64_t now = clock_mono_ms(), count;
    struct wheel_entry *entry;

    if (read(pool->timerfd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_error(NULL, "timer", LOG_ERRNO(errno));
    pthread_mutex_lock(&pool->wheel_lock);
    pool->timerfd_ms = UINT64_MAX;
    while ((entry = wheel_take(&pool->wheel, now)))
        look_at_timer((struct task *)((char *)entry - offsetof(struct task, timer)), now);
    set_timerfd(pool);
    pthread_mutex_unlock(&pool->wheel_lock);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

/* With slots_lock held. */
static void add_chunk(struct tasks *pool)
{
    struct task *chunk;

    if (pool->n_chunks == CHUNKS_MAX)
        return;
    chunk = xcalloc(CHUNK_TASKS, sizeof(*chunk));
    for (unsigned i = 0; i < CHUNK_TASKS; i++) {
        chunk[i].pool = pool;
        chunk[i].index = pool->n_chunks * CHUNK_TASKS + i;
        chunk[i].next = i + 1 < CHUNK_TASKS ? &chunk[i + 1] : NULL;
    }
    pool->free = chunk;
    atomic_store(&pool->chunks[pool->n_chunks++], chunk);
}

static struct task *take_slot(struct tasks *pool)
{
    struct task *task;

    pthread_mutex_lock(&pool->slots_lock);
    if (!pool->free)
        add_chunk(pool);
    task = pool->free;
    if (task)
        pool->free = task->next;
    pthread_mutex_unlock(&pool->slots_lock);
    return task;
}

static void give_slot_back(struct task *task)
{
    struct tasks *pool = task->pool;

    pthread_mutex_lock(&pool->wheel_lock);
    wheel_remove(&pool->wheel, &task->timer);
    atomic_store(&task->timer_ms, 0);
    pthread_mutex_unlock(&pool->wheel_lock);
    task_state_end(&task->state);
    pthread_mutex_lock(&pool->slots_lock);
    task->next = pool->free;
    pool->free = task;
    pthread_mutex_unlock(&pool->slots_lock);
}

static int arm(struct task *task, int operation, unsigned want)
{
    struct epoll_event event = {.events = EPOLLONESHOT};

    if (want & TASK_READ)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (want & TASK_WRITE)
        event.events |= EPOLLOUT;
    event.data.u64 = (uint64_t)task_state_generation(&task->state) << 32 | task->index;
    return epoll_ctl(task->pool->epoll, operation, task->fd, &event) < 0 ? -errno : 0;
}

int tasks_add(struct tasks *pool, int fd, struct task_step first, task_run *run, void *arg,
              struct task **ret_task)
{
    struct task *task = take_slot(pool);
    int r;

    if (!task)
        return -ENOSPC;
    task->run = run;
    task->arg = arg;
    task->fd = fd;
    *ret_task = task;
    task_state_set(&task->state, TASK_RUNNING);
    want_timer(task, first.deadline_ms);
    /* With nothing wanted the registration sleeps: a one-shot without interest. */
    r = arm(task, EPOLL_CTL_ADD, first.want);
    if (r < 0) {
        give_slot_back(task);
        return r;
    }
    if (!task_state_park(&task->state)) {
        task_state_set(&task->state, TASK_QUEUED);
        push_ready(task, TASK_READY);
    }
    return 0;
}

/* False when something has come meanwhile and the task must run again. */
static bool park(struct task *task, const struct task_step *step)
{
    want_timer(task, step->deadline_ms);
    if (step->want && arm(task, EPOLL_CTL_MOD, step->want) < 0)
        return false;
    return task_state_park(&task->state);
}

/* One step, or several while news comes in during each. */
static void run_task(struct task *task, enum task_why why, struct task_scratch *scratch)
{
    for (;;) {
        struct task_step step;
        buf_reset(&scratch->out);
        step = task->run(task->arg, why, scratch);
        arena_reset(&scratch->arena);
        if (step.next == TASK_END) {
            give_slot_back(task);
            return;
        }
        if (step.next == TASK_YIELD) {
            task_state_set(&task->state, TASK_QUEUED);
            push_ready(task, TASK_READY);
            return;
        }
        if (park(task, &step))
            return;
        why = task_state_set(&task->state, TASK_RUNNING) & TASK_WAKE ? TASK_WOKEN : TASK_READY;
    }
}

static void run_queued(struct task *task, struct task_scratch *scratch)
{
    enum task_why why = task->why;

    if (task_state_set(&task->state, TASK_RUNNING) & TASK_WAKE)
        why = TASK_WOKEN;
    if (why == TASK_TIMEOUT && atomic_load(&task->deadline_ms) > clock_mono_ms())
        why = TASK_READY; /* it was run and parked anew between the timer's look and its claim */
    run_task(task, why, scratch);
}

/* ---- threads -------------------------------------------------------------------------------- */

static void take_event(struct worker *worker, uint64_t data)
{
    struct tasks *pool = worker->pool;
    uint32_t index = (uint32_t)data;
    struct task *chunk;

    if (data == KICK)
        return;
    if (data == TIMER) {
        run_timers(pool);
        return;
    }
    chunk = atomic_load(&pool->chunks[index / CHUNK_TASKS]);
    if (task_state_claim_event(&chunk[index % CHUNK_TASKS].state, (uint32_t)(data >> 32)))
        run_task(&chunk[index % CHUNK_TASKS], TASK_READY, &worker->scratch);
}

/* Waits only when the ready queue is empty. */
static int wait_for_event(struct tasks *pool, struct epoll_event *event)
{
    int n;

    if (atomic_load(&pool->ready_count) > 0)
        return epoll_wait(pool->epoll, event, 1, 0);
    atomic_fetch_add(&pool->sleepers, 1);
    /* A push between the look above and here saw no sleeper; one after here sees it. */
    n = atomic_load(&pool->ready_count) > 0 || atomic_load(&pool->stopping);
    n = epoll_wait(pool->epoll, event, 1, n ? 0 : -1);
    atomic_fetch_sub(&pool->sleepers, 1);
    return n;
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct tasks *pool = worker->pool;

    pthread_setname_np(pthread_self(), pool->name);
    while (!atomic_load(&pool->stopping)) {
        struct epoll_event event;
        struct task *task;
        turns_take(&pool->turns);
        if (wait_for_event(pool, &event) > 0)
            take_event(worker, event.data.u64);
        task = pop_ready(pool);
        if (task)
            run_queued(task, &worker->scratch);
    }
    turns_give_up();
    return NULL;
}

void task_scratch_init(struct task_scratch *scratch)
{
    scratch->bytes = xmalloc(TASK_SCRATCH_SIZE);
    scratch->size = TASK_SCRATCH_SIZE;
    buf_init(&scratch->out, TASK_SCRATCH_OUT_MAX);
    arena_init(&scratch->arena);
}

void task_scratch_done(struct task_scratch *scratch)
{
    free(scratch->bytes);
    buf_done(&scratch->out);
    arena_done(&scratch->arena);
}

/* Signals are the main thread's. Returns 0 or an errno value, as pthread functions do. */
static int start_worker(struct worker *worker)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    task_scratch_init(&worker->scratch);
    r = pthread_create(&worker->thread, &attributes, worker_main, worker);
    if (r)
        task_scratch_done(&worker->scratch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return r;
}

static void start_workers(struct tasks *pool, unsigned threads)
{
    pool->workers = xcalloc(threads, sizeof(*pool->workers));
    while (pool->n_workers < threads) {
        struct worker *worker = &pool->workers[pool->n_workers];
        int r;
        worker->pool = pool;
        r = start_worker(worker);
        if (r) {
            log_error(NULL, "threads-short", LOG_STR("pool", pool->name),
                      LOG_INT("wanted", threads), LOG_INT("have", pool->n_workers), LOG_ERRNO(r));
            return;
        }
        pool->n_workers++;
    }
}

static bool watch(struct tasks *pool, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};

    return fd >= 0 && epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

struct tasks *tasks_new(const char *name, unsigned threads)
{
    struct tasks *pool = xcalloc(1, sizeof(*pool));

    pool->name = name;
    pool->timerfd_ms = UINT64_MAX;
    pthread_mutex_init(&pool->ready_lock, NULL);
    pthread_mutex_init(&pool->slots_lock, NULL);
    pthread_mutex_init(&pool->wheel_lock, NULL);
    wheel_init(&pool->wheel, clock_mono_ms());
    turns_init(&pool->turns);
    pool->epoll = epoll_create1(EPOLL_CLOEXEC);
    pool->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pool->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    /* Edge-triggered: each kick wakes one sleeper, and nobody need read the counter. */
    if (watch(pool, pool->kick, EPOLLIN | EPOLLET, KICK) &&
        watch(pool, pool->timerfd, EPOLLIN | EPOLLET, TIMER))
        start_workers(pool, threads < THREADS_MAX ? threads : THREADS_MAX);
    if (pool->n_workers)
        return pool;
    tasks_free(pool);
    return NULL;
}

void tasks_stop(struct tasks *pool)
{
    atomic_store(&pool->stopping, true);
    for (unsigned i = 0; i < pool->n_workers; i++)
        turns_add(&pool->turns);
    for (unsigned i = 0; i < pool->n_workers; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = KICK};
        uint64_t one = 1;
        /* Level-triggered from now on, so that every sleeper sees it. */
        epoll_ctl(pool->epoll, EPOLL_CTL_MOD, pool->kick, &event);
        if (write(pool->kick, &one, sizeof(one)) < 0)
            log_error(NULL, "pool-stop", LOG_ERRNO(errno));
        pthread_join(pool->workers[i].thread, NULL);
        task_scratch_done(&pool->workers[i].scratch);
    }
    pool->n_workers = 0;
}

static bool finish_step(struct task *task, enum task_why why, struct task_scratch *scratch)
{
    struct task_step step;

    buf_reset(&scratch->out);
    step = task->run(task->arg, why, scratch);
    arena_reset(&scratch->arena);
    if (step.next == TASK_END)
        give_slot_back(task);
    return step.next == TASK_END;
}

/* The last steps of one task: the wake that it waits for, if that has come, and TASK_STOPPING.
 * False when it has not ended. */
static bool finish_task(struct task *task, struct task_scratch *scratch)
{
    unsigned flags;

    if (task_state_phase(&task->state) == TASK_FREE)
        return true;
    flags = task_state_set(&task->state, TASK_RUNNING);
    if (flags & TASK_WAKE && finish_step(task, TASK_WOKEN, scratch))
        return true;
    if (finish_step(task, TASK_STOPPING, scratch))
        return true;
    /* A wake that came during the steps stays for the next round. */
    if (!task_state_park(&task->state))
        task_state_set(&task->state, TASK_QUEUED);
    return false;
}

unsigned tasks_finish(struct tasks *pool)
{
    struct task_scratch scratch;
    struct task *task;
    unsigned left = 0;

    task_scratch_init(&scratch);
    while ((task = pop_ready(pool))) {
        if (task->why == TASK_WOKEN)
            task_state_wake(&task->state);
    }
    for (unsigned i = 0; i < pool->n_chunks * CHUNK_TASKS; i++)
        left += !finish_task(&pool->chunks[i / CHUNK_TASKS][i % CHUNK_TASKS], &scratch);
    task_scratch_done(&scratch);
    return left;
}

void tasks_free(struct tasks *pool)
{
    if (!pool)
        return;
    tasks_stop(pool);
    close(pool->epoll);
    close(pool->kick);
    close(pool->timerfd);
    for (unsigned i = 0; i < pool->n_chunks; i++)
        free(pool->chunks[i]);
    free(pool->workers);
    pthread_mutex_destroy(&pool->ready_lock);
    pthread_mutex_destroy(&pool->slots_lock);
    pthread_mutex_destroy(&pool->wheel_lock);
    turns_done(&pool->turns);
    free(pool);
}
