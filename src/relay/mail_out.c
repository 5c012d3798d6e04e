/*
 * See mail_out.h. A text that a channel's message cannot hold goes in a descriptor. Whoever waits
 * has a ticket in a list; a late answer finds none, and is nobody's.
 */
#include "relay/mail_out.h"

#include "base/clock.h"
#include "io/condition.h"
#include "io/memory_file.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>
#include <utlist.h>

enum { PATIENCE_MS = 30 * 1000, INLINE_MAX = 64 * 1024 };

struct ticket {
    uint64_t request;
    bool answered, taken;
    struct ticket *prev, *next;
};

struct mail_out {
    struct role_context *role;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct ticket *waiting;
    uint64_t last_request;
    bool stopping;
};

struct mail_out *mail_out_new(struct role_context *role)
{
    struct mail_out *out = xcalloc(1, sizeof(*out));

    out->role = role;
    pthread_mutex_init(&out->lock, NULL);
    condition_init(&out->changed);
    return out;
}

void mail_out_free(struct mail_out *out)
{
    if (!out)
        return;
    pthread_cond_destroy(&out->changed);
    pthread_mutex_destroy(&out->lock);
    free(out);
}

static int hand_over(struct mail_out *out, const struct msg_mail *mail, struct slice text)
{
    struct msg_mail message = *mail;
    struct buf payload;
    int fd = -1, r;

    if (text.len > INLINE_MAX) {
        fd = memory_file_new("mail", text);
        if (fd < 0)
            return fd;
    } else {
        message.text = text;
    }
    buf_init(&payload, CHANNEL_PAYLOAD_MAX);
    msg_mail_encode(&payload, &message);
    r = payload.overflow
            ? -EMSGSIZE
            : role_send(out->role, ROLE_QUEUE, MSG_MAIL, buf_slice(&payload), &fd, fd >= 0);
    buf_done(&payload);
    if (fd >= 0)
        close(fd);
    return r;
}

/* With the lock held. */
static void wait_for(struct mail_out *out, const struct ticket *ticket)
{
    uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
    const struct timespec until = condition_deadline(deadline);

    while (!ticket->answered && !out->stopping) {
        if (pthread_cond_timedwait(&out->changed, &out->lock, &until) == ETIMEDOUT)
            break;
    }
}

bool mail_out_send(struct mail_out *out, struct slice from, struct slice to, struct slice text)
{
    struct ticket ticket = {0};

    pthread_mutex_lock(&out->lock);
    ticket.request = ++out->last_request;
    DL_APPEND(out->waiting, &ticket);
    pthread_mutex_unlock(&out->lock);
    int r =
        hand_over(out, &(struct msg_mail){.request = ticket.request, .from = from, .to = to}, text);
    pthread_mutex_lock(&out->lock);
    if (r == 0)
        wait_for(out, &ticket);
    DL_DELETE(out->waiting, &ticket);
    pthread_mutex_unlock(&out->lock);
    return ticket.taken;
}

void mail_out_answered(struct mail_out *out, struct slice payload)
{
    struct msg_mail_taken taken;
    struct ticket *ticket;

    if (msg_mail_taken_decode(payload, NULL, &taken) < 0)
        return;
    pthread_mutex_lock(&out->lock);
    DL_SEARCH_SCALAR(out->waiting, ticket, request, taken.request);
    if (ticket) {
        ticket->answered = true;
        ticket->taken = taken.taken;
        pthread_cond_broadcast(&out->changed);
    }
    pthread_mutex_unlock(&out->lock);
}

void mail_out_lost(struct mail_out *out)
{
    struct ticket *ticket;

    pthread_mutex_lock(&out->lock);
    DL_FOREACH(out->waiting, ticket)
    {
        ticket->answered = true;
    }
    pthread_cond_broadcast(&out->changed);
    pthread_mutex_unlock(&out->lock);
}

void mail_out_stop(struct mail_out *out)
{
    pthread_mutex_lock(&out->lock);
    out->stopping = true;
    pthread_cond_broadcast(&out->changed);
    pthread_mutex_unlock(&out->lock);
}
