/*
 * Batching: outcomes are encoded one behind the other, as many as a channel's message takes; what
 * does not fit begins the next batch. Under load one message to queue carries the outcomes of
 * all attempts that ended while the loop was busy.
 */
#include "relay/outbox.h"

#include <errno.h>
#include <pthread.h>

struct batch {
    struct batch *next;
    struct buf payload;
};

struct outbox {
    void (*wake)(void *arg);
    void *arg;
    pthread_mutex_t lock; /* guards the rest */
    struct batch *first, *last;
    unsigned epoch;
};

struct outbox *outbox_new(void (*wake)(void *arg), void *arg)
{
    struct outbox *outbox = xcalloc(1, sizeof(*outbox));

    outbox->wake = wake;
    outbox->arg = arg;
    pthread_mutex_init(&outbox->lock, NULL);
    return outbox;
}

static void batch_free(struct batch *batch)
{
    buf_done(&batch->payload);
    free(batch);
}

void outbox_free(struct outbox *outbox)
{
    outbox_reset(outbox, 0);
    pthread_mutex_destroy(&outbox->lock);
    free(outbox);
}

/* With the lock held. */
static struct batch *batch_add(struct outbox *outbox)
{
    struct batch *batch = xcalloc(1, sizeof(*batch));

    buf_init(&batch->payload, CHANNEL_PAYLOAD_MAX);
    if (outbox->last)
        outbox->last->next = batch;
    else
        outbox->first = batch;
    outbox->last = batch;
    return batch;
}

void outbox_add(struct outbox *outbox, const struct msg_done *done, unsigned epoch)
{
    struct buf encoded;
    bool was_empty;

    buf_init(&encoded, CHANNEL_PAYLOAD_MAX);
    msg_done_encode(&encoded, done);
    pthread_mutex_lock(&outbox->lock);
    was_empty = !outbox->first;
    if (epoch == outbox->epoch) {
        struct batch *batch = outbox->last;
        if (!batch || batch->payload.len + encoded.len > CHANNEL_PAYLOAD_MAX)
            batch = batch_add(outbox);
        buf_add_slice(&batch->payload, buf_slice(&encoded));
    }
    pthread_mutex_unlock(&outbox->lock);
    buf_done(&encoded);
    if (was_empty)
        outbox->wake(outbox->arg);
}

/* The whole list, so that sending does not hold up the attempts. */
static struct batch *take_all(struct outbox *outbox)
{
    struct batch *all;

    pthread_mutex_lock(&outbox->lock);
    all = outbox->first;
    outbox->first = outbox->last = NULL;
    pthread_mutex_unlock(&outbox->lock);
    return all;
}

/* In front of what has come since. */
static void put_back(struct outbox *outbox, struct batch *batches)
{
    struct batch *last = batches;

    while (last->next)
        last = last->next;
    pthread_mutex_lock(&outbox->lock);
    last->next = outbox->first;
    outbox->first = batches;
    if (!outbox->last)
        outbox->last = last;
    pthread_mutex_unlock(&outbox->lock);
}

int outbox_flush(struct outbox *outbox, struct role_context *role)
{
    struct batch *batch = take_all(outbox);

    while (batch) {
        struct batch *next = batch->next;
        int r = role_send(role, ROLE_QUEUE, MSG_DONE, buf_slice(&batch->payload), NULL, 0);
        if (r < 0) {
            put_back(outbox, batch);
            return r;
        }
        batch_free(batch);
        batch = next;
    }
    return 0;
}

void outbox_reset(struct outbox *outbox, unsigned epoch)
{
    struct batch *batch;

    pthread_mutex_lock(&outbox->lock);
    batch = outbox->first;
    outbox->first = outbox->last = NULL;
    outbox->epoch = epoch;
    pthread_mutex_unlock(&outbox->lock);
    while (batch) {
        struct batch *next = batch->next;
        batch_free(batch);
        batch = next;
    }
}
