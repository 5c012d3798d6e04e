/* See durable.h. */
#include "receive/durable.h"

#include <errno.h>

void durable_init(struct durable *durable, struct role_context *role)
{
    *durable = (struct durable){.role = role};
    pthread_mutex_init(&durable->lock, NULL);
}

void durable_done(struct durable *durable)
{
    pthread_mutex_destroy(&durable->lock);
}

void durable_note(void *arg, uint64_t segment, uint64_t length)
{
    struct durable *durable = arg;
    bool first;

    pthread_mutex_lock(&durable->lock);
    first = !durable->untold;
    durable->newest = (struct msg_durable){.segment = segment, .length = length};
    durable->untold = true;
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
