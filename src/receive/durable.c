/* See durable.h. */
#include "receive/durable.h"

#include "base/log.h"

#include <errno.h>

void durable_init(struct durable *durable, struct role_context *role, _Atomic uint64_t *unread)
{
    *durable = (struct durable){.role = role, .unread = unread};
    pthread_mutex_init(&durable->lock, NULL);
}

void durable_done(struct durable *durable)
{
    pthread_mutex_destroy(&durable->lock);
}

/* With the lock held. */
static void weigh(struct durable *durable)
{
    uint64_t unread = pressure_unread(&durable->pressure);

    atomic_store_explicit(durable->unread, unread, memory_order_relaxed);
    if (!durable->behind && unread > PRESSURE_SLOW_FROM) {
        durable->behind = true;
        log_warn(NULL, "queue-behind", LOG_INT("unread_bytes", unread),
                 LOG_STR("so", "clients are slowed down"));
    } else if (durable->behind && unread < PRESSURE_SLOW_FROM / 2) {
        durable->behind = false;
        log_info(NULL, "queue-in-step", LOG_INT("unread_bytes", unread));
    }
}

void durable_note(void *arg, uint64_t segment, uint64_t length)
{
    struct durable *durable = arg;
    bool first;

    pthread_mutex_lock(&durable->lock);
    first = !durable->untold;
    durable->newest = (struct msg_durable){.segment = segment, .length = length};
    durable->untold = true;
    pressure_published(&durable->pressure, segment, length);
    weigh(durable);
    pthread_mutex_unlock(&durable->lock);
    if (first)
        loop_wake(durable->role->loop);
}

static void forget(struct durable *durable, const struct msg_durable *told)
{
    pthread_mutex_lock(&durable->lock);
    if (durable->newest.segment == told->segment && durable->newest.length == told->length)
        durable->untold = false;
    pthread_mutex_unlock(&durable->lock);
}

void durable_tell(struct durable *durable)
{
    struct msg_durable message;
    struct buf out;
    bool untold;
    int r;

    do {
        pthread_mutex_lock(&durable->lock);
        untold = durable->untold;
        message = durable->newest;
        pthread_mutex_unlock(&durable->lock);
        if (!untold)
            return;
        buf_init(&out, CHANNEL_PAYLOAD_MAX);
        msg_durable_encode(&out, &message);
        r = role_send(durable->role, ROLE_QUEUE, MSG_DURABLE, buf_slice(&out), NULL, 0);
        buf_done(&out);
        if (r == 0)
            forget(durable, &message);
    } while (r == 0);
    if (r == -EAGAIN)
        role_want_writable(durable->role, ROLE_QUEUE);
}

void durable_tell_again(struct durable *durable)
{
    pthread_mutex_lock(&durable->lock);
    durable->untold = durable->newest.length != 0;
    pthread_mutex_unlock(&durable->lock);
    durable_tell(durable);
}

void durable_taken(struct durable *durable, struct slice payload)
{
    struct msg_taken taken;

    if (msg_taken_decode(payload, NULL, &taken) < 0)
        return;
    pthread_mutex_lock(&durable->lock);
    pressure_taken(&durable->pressure, taken.segment, taken.length);
    weigh(durable);
    pthread_mutex_unlock(&durable->lock);
}

void durable_queue_lost(struct durable *durable)
{
    pthread_mutex_lock(&durable->lock);
    pressure_forget(&durable->pressure);
    weigh(durable);
    pthread_mutex_unlock(&durable->lock);
}
