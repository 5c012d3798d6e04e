/* See ask.h. */
#include "queue/ask.h"

#include "base/log.h"
#include "queue/dispatch.h"
#include "queue/expand.h"

#include <errno.h>

static int send_question(void *arg, const struct msg_resolve *question)
{
    struct queue *queue = arg;
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_resolve_encode(&out, question);
    r = role_send(queue->role, ROLE_AUTH, MSG_RESOLVE, buf_slice(&out), NULL, 0);
    if (r == -EAGAIN)
        role_want_writable(queue->role, ROLE_AUTH);
    buf_done(&out);
    return r;
}

static int send_site_question(void *arg, const struct msg_site_ask *question)
{
    struct queue *queue = arg;
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_site_ask_encode(&out, question);
    r = role_send(queue->role, ROLE_RELAY, MSG_SITE_ASK, buf_slice(&out), NULL, 0);
    if (r == -EAGAIN)
        role_want_writable(queue->role, ROLE_RELAY);
    buf_done(&out);
    return r;
}

static void on_site(void *arg, uint64_t message_id)
{
    expand_site_answered(arg, message_id);
}

static void on_answered(void *arg, struct answers_waiter waiter)
{
    if (waiter.attempt)
        dispatch_answered(arg, waiter.number);
    else
        expand_answered(arg, waiter.number);
}

void ask_take_resolved(struct queue *queue, struct slice payload)
{
    struct arena arena; /* the waiters use the scratch one */
    struct msg_resolved answer;

    arena_init(&arena);
    if (msg_resolved_decode(payload, &arena, &answer) == 0)
        answers_take(queue->answers, &answer, queue_now(queue));
    arena_done(&arena);
}

void ask_take_site(struct queue *queue, struct slice payload)
{
    struct msg_site answer;

    if (msg_site_decode(payload, NULL, &answer) == 0)
        sites_take(queue->sites, &answer, queue_now(queue));
    else
        log_error(NULL, "answer-damaged", LOG_STR("peer", role_name(ROLE_RELAY)));
}

void ask_start(struct queue *queue)
{
    struct answers_events answers = {.send = send_question, .answered = on_answered, .arg = queue};
    struct sites_events sites = {.send = send_site_question, .answered = on_site, .arg = queue};

    queue->answers = answers_new(&answers);
    queue->sites = sites_new(&sites);
}
