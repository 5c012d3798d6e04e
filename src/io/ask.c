/*
 * Waiting threads stand in a list, each with its own condition; answers are matched by number. See
 * ask.h. A thread gives up its turn before it blocks.
 */
#include "io/ask.h"

#include "base/clock.h"
#include "io/channel.h"
#include "io/condition.h"
#include "io/turns.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { SEND_MS = 1000, RETRY_MS = 10, PLACE_MS = 5000 };

struct waiter {
    struct waiter *next;
    uint64_t request;
    pthread_cond_t answered;
    bool lost;
    struct ask_answer answer;
};

struct ask {
    struct ask_options options;
    pthread_mutex_t lock; /* guards what follows */
    struct waiter *waiters;
    unsigned n_waiters;
    pthread_cond_t place; /* one of them has left */
    uint64_t last_request;
};

struct ask *ask_new(const struct ask_options *options)
{
    struct ask *ask = xcalloc(1, sizeof(*ask));

    ask->options = *options;
    pthread_mutex_init(&ask->lock, NULL);
    condition_init(&ask->place);
    return ask;
}

void ask_free(struct ask *ask)
{
    if (!ask)
        return;
    pthread_mutex_destroy(&ask->lock);
    pthread_cond_destroy(&ask->place);
    free(ask);
}

static bool send_question(struct ask *ask, const struct ask_question *question, uint64_t request)
{
    struct ask_options *options = &ask->options;
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    question->encode(question->question, request, &out);
    r = out.overflow ? -EMSGSIZE : options->send(options->arg, question->type, buf_slice(&out));
    /* Auth is starting (again), or has a lot to read: that is over soon, or is a real trouble. */
    for (unsigned ms = 0; (r == -ENOTCONN || r == -EAGAIN) && ms < SEND_MS; ms += RETRY_MS) {
        turns_give_up();
        usleep(RETRY_MS * 1000);
        r = options->send(options->arg, question->type, buf_slice(&out));
    }
    buf_done(&out);
    return r == 0;
}

/* With the lock held. */
static void remove_waiter(struct ask *ask, struct waiter *waiter)
{
    struct waiter **link = &ask->waiters;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    ask->n_waiters--;
}

/* With the lock held. A crowd that comes at once gets its turn when auth is well. */
static bool take_place(struct ask *ask)
{
    struct timespec until = condition_deadline(clock_mono_ms() + PLACE_MS);

    while (ask->n_waiters >= ask->options.waiting_max) {
        turns_give_up();
        if (ask->options.waiting_max == 0 ||
            pthread_cond_timedwait(&ask->place, &ask->lock, &until) != 0)
            return false;
    }
    return true;
}

/* With the lock held, which is given up while sending and waiting. */
static void wait_for_answer(struct ask *ask, struct waiter *waiter,
                            const struct ask_question *question)
{
    struct timespec until = condition_deadline(clock_mono_ms() + ask->options.timeout_ms);
    bool sent;

    waiter->request = ++ask->last_request;
    waiter->next = ask->waiters;
    ask->waiters = waiter;
    ask->n_waiters++;
    pthread_mutex_unlock(&ask->lock);
    sent = send_question(ask, question, waiter->request);
    pthread_mutex_lock(&ask->lock);
    turns_give_up();
    while (sent && !waiter->answer.verdict && !waiter->lost) {
        if (pthread_cond_timedwait(&waiter->answered, &ask->lock, &until) != 0)
            break;
    }
    remove_waiter(ask, waiter);
}

struct ask_answer ask_and_wait(struct ask *ask, const struct ask_question *question)
{
    struct waiter waiter = {.lost = false};
    bool crowded;

    condition_init(&waiter.answered);
    pthread_mutex_lock(&ask->lock);
    crowded = ask->n_waiters >= ask->options.waiting_max;
    if (take_place(ask)) {
        /* While we stood in the crowd, somebody may have asked the same. */
        if (!crowded || !question->known ||
            !question->known(question->arg, question->question, &waiter.answer))
            wait_for_answer(ask, &waiter, question);
    }
    /* Whoever was woken for the place wakes the next, also when it did not need the place. */
    pthread_cond_signal(&ask->place);
    pthread_mutex_unlock(&ask->lock);
    pthread_cond_destroy(&waiter.answered);
    return waiter.answer;
}

void ask_answered(struct ask *ask, uint64_t request, unsigned verdict, struct slice text)
{
    pthread_mutex_lock(&ask->lock);
    for (struct waiter *waiter = ask->waiters; waiter; waiter = waiter->next) {
        struct slice kept = slice_sub(text, 0, ASK_TEXT_MAX);
        if (waiter->request != request)
            continue;
        waiter->answer.verdict = verdict;
        if (kept.len)
            memcpy(waiter->answer.text, kept.ptr, kept.len);
        pthread_cond_signal(&waiter->answered);
    }
    pthread_mutex_unlock(&ask->lock);
}

void ask_lost(struct ask *ask)
{
    pthread_mutex_lock(&ask->lock);
    for (struct waiter *waiter = ask->waiters; waiter; waiter = waiter->next) {
        waiter->lost = true;
        pthread_cond_signal(&waiter->answered);
    }
    pthread_mutex_unlock(&ask->lock);
}

void ask_close(struct ask *ask)
{
    pthread_mutex_lock(&ask->lock);
    ask->options.waiting_max = 0;
    pthread_cond_broadcast(&ask->place);
    pthread_mutex_unlock(&ask->lock);
    ask_lost(ask);
}
