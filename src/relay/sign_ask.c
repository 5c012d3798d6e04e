/*
 * One lock, and a condition for each attempt that waits: under load there are a hundred, and an
 * answer is for one of them, which it wakes with its last. An answer that comes after its asker has
 * left is dropped; the number of a question is never used twice.
 */
#include "relay/sign_ask.h"

#include "base/clock.h"
#include "io/condition.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { SEND_AGAIN_MS = 20 };

struct sign_asks {
    struct role_context *role;
    pthread_mutex_t lock; /* guards the rest, and the answers in what waits */
    struct sign_ask *waiting;
    uint64_t last_request;
    uint64_t life; /* of keys: how often it was lost */
};

/* On the stack of who waits. */
struct sign_waiter {
    pthread_cond_t changed;
    unsigned unanswered;
};

struct sign_asks *sign_asks_new(struct role_context *role)
{
    struct sign_asks *asks = xcalloc(1, sizeof(*asks));

    asks->role = role;
    pthread_mutex_init(&asks->lock, NULL);
    return asks;
}

void sign_asks_free(struct sign_asks *asks)
{
    if (!asks)
        return;
    pthread_mutex_destroy(&asks->lock);
    free(asks);
}

static void answer(struct sign_asks *asks, const struct msg_signed *message)
{
    struct sign_ask *ask;

    LL_FOREACH(asks->waiting, ask)
    {
        if (ask->request != message->request || ask->answered)
            continue;
        ask->answered = true;
        ask->length = message->signature.len;
        if (ask->length)
            memcpy(ask->signature, message->signature.ptr, ask->length);
        if (--ask->waiter->unanswered == 0)
            pthread_cond_signal(&ask->waiter->changed);
        return;
    }
}

int sign_asks_take(struct sign_asks *asks, struct slice payload)
{
    struct msg_signed message;
    int r = msg_signed_decode(payload, NULL, &message);

    if (r == 0 && message.signature.len > SIGNATURE_BYTES_MAX)
        r = -EBADMSG;
    if (r < 0)
        return r;
    pthread_mutex_lock(&asks->lock);
    answer(asks, &message);
    pthread_mutex_unlock(&asks->lock);
    return 0;
}

void sign_asks_lost(struct sign_asks *asks)
{
    struct sign_ask *ask;

    pthread_mutex_lock(&asks->lock);
    asks->life++;
    LL_FOREACH(asks->waiting, ask)
    pthread_cond_signal(&ask->waiter->changed);
    pthread_mutex_unlock(&asks->lock);
}

static void begin(struct sign_asks *asks, struct sign_ask *list, unsigned n,
                  struct sign_waiter *waiter, uint64_t *ret_life)
{
    pthread_mutex_lock(&asks->lock);
    for (unsigned i = 0; i < n; i++) {
        list[i].request = ++asks->last_request;
        list[i].answered = false;
        list[i].waiter = waiter;
        LL_PREPEND(asks->waiting, &list[i]);
    }
    *ret_life = asks->life;
    pthread_mutex_unlock(&asks->lock);
}

/* A keys that is behind has room again soon. */
static int send_one(struct sign_asks *asks, const struct sign_ask *ask, uint64_t deadline)
{
    const struct timespec pause = {.tv_nsec = SEND_AGAIN_MS * 1000000L};
    struct msg_sign message = {.request = ask->request,
                               .domain = ask->domain,
                               .selector = ask->selector,
                               .digest = slice_from(ask->digest, sizeof(ask->digest))};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_sign_encode(&out, &message);
    while ((r = role_send(asks->role, ROLE_KEYS, MSG_SIGN, buf_slice(&out), NULL, 0)) == -EAGAIN &&
           clock_mono_ms() < deadline)
        nanosleep(&pause, NULL);
    buf_done(&out);
    return r == -EAGAIN ? -ETIMEDOUT : r;
}

/* With the lock held. */
static int wait_for_answers(struct sign_asks *asks, struct sign_waiter *waiter, uint64_t life,
                            uint64_t deadline)
{
    const struct timespec until = condition_deadline(deadline);
    int r = 0;

    while (waiter->unanswered) {
        if (asks->life != life)
            return -ENOTCONN;
        if (r == ETIMEDOUT)
            return -ETIMEDOUT;
        r = pthread_cond_timedwait(&waiter->changed, &asks->lock, &until);
    }
    return 0;
}

int sign_asks_wait(struct sign_asks *asks, struct sign_ask *list, unsigned n, uint64_t deadline)
{
    struct sign_waiter waiter = {.unanswered = n};
    uint64_t life;
    int r = 0;

    condition_init(&waiter.changed);
    begin(asks, list, n, &waiter, &life);
    for (unsigned i = 0; i < n && r == 0; i++)
        r = send_one(asks, &list[i], deadline);
    pthread_mutex_lock(&asks->lock);
    if (r == 0)
        r = wait_for_answers(asks, &waiter, life, deadline);
    for (unsigned i = 0; i < n; i++)
        LL_DELETE(asks->waiting, &list[i]);
    pthread_mutex_unlock(&asks->lock);
    pthread_cond_destroy(&waiter.changed);
    return r;
}
