/*
 * Conversations by number, in a hash table under one lock. See exchange.h.
 *
 * A number is never used again, so that a late reply can meet nobody else. Waking happens with the
 * lock held: a session takes the lock to end its conversation, so a task that is woken is there.
 */
#include "receive/exchange.h"

#include "base/buf.h"
#include "io/channel.h"

#include <pthread.h>
#include <string.h>
#include <uthash.h>

enum { ROOM = 4096 }; /* of a message besides its response and the addresses of a certificate */

struct exchange {
    uint64_t number;
    struct task *task;
    struct exchange_answer *answer; /* not taken yet */
    bool over;                      /* auth knows it no more */
    UT_hash_handle hh;
};

struct exchanges {
    struct exchange_options options;
    pthread_mutex_t lock; /* guards what follows, and the exchanges */
    struct exchange *open;
    uint64_t last_number;
};

struct exchanges *exchanges_new(const struct exchange_options *options)
{
    struct exchanges *exchanges = xcalloc(1, sizeof(*exchanges));

    exchanges->options = *options;
    pthread_mutex_init(&exchanges->lock, NULL);
    return exchanges;
}

void exchanges_free(struct exchanges *exchanges)
{
    if (!exchanges)
        return;
    pthread_mutex_destroy(&exchanges->lock);
    free(exchanges);
}

void exchange_answer_free(struct exchange_answer *answer)
{
    if (!answer)
        return;
    arena_done(&answer->arena);
    free(answer);
}

/* The buffer has all its room from the start: growing would leave copies of the secret. */
static bool send_message(struct exchanges *exchanges, const struct msg_sasl *message)
{
    size_t room = ROOM + message->response.len;
    struct buf out;
    bool sent;

    for (uint32_t i = 0; i < message->client.n_cert_emails; i++)
        room += message->client.cert_emails[i].len + sizeof(uint32_t);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    (void)buf_reserve(&out, room);
    msg_sasl_encode(&out, message);
    sent = !out.overflow && exchanges->options.send(exchanges->options.arg, buf_slice(&out)) == 0;
    if (out.ptr)
        explicit_bzero(out.ptr, out.size);
    buf_done(&out);
    return sent;
}

static void forget(struct exchanges *exchanges, struct exchange *exchange)
{
    pthread_mutex_lock(&exchanges->lock);
    HASH_DEL(exchanges->open, exchange);
    pthread_mutex_unlock(&exchanges->lock);
    exchange_answer_free(exchange->answer);
    free(exchange);
}

struct exchange *exchange_start(struct exchanges *exchanges, struct task *task,
                                struct msg_sasl *start)
{
    struct exchange *exchange = xcalloc(1, sizeof(*exchange));

    exchange->task = task;
    pthread_mutex_lock(&exchanges->lock);
    exchange->number = ++exchanges->last_number;
    HASH_ADD(hh, exchanges->open, number, sizeof(exchange->number), exchange);
    pthread_mutex_unlock(&exchanges->lock);
    start->conversation = exchange->number;
    start->step = SASL_START;
    if (send_message(exchanges, start))
        return exchange;
    forget(exchanges, exchange);
    return NULL;
}

static bool is_over(struct exchanges *exchanges, const struct exchange *exchange)
{
    bool over;

    pthread_mutex_lock(&exchanges->lock);
    over = exchange->over;
    pthread_mutex_unlock(&exchanges->lock);
    return over;
}

bool exchange_respond(struct exchanges *exchanges, struct exchange *exchange, struct slice response)
{
    struct msg_sasl message = {
        .conversation = exchange->number, .step = SASL_RESPONSE, .response = response};

    return !is_over(exchanges, exchange) && send_message(exchanges, &message);
}

struct exchange_answer *exchange_take(struct exchanges *exchanges, struct exchange *exchange)
{
    struct exchange_answer *answer;

    pthread_mutex_lock(&exchanges->lock);
    answer = exchange->answer;
    exchange->answer = NULL;
    pthread_mutex_unlock(&exchanges->lock);
    return answer;
}

void exchange_end(struct exchanges *exchanges, struct exchange *exchange)
{
    struct msg_sasl message = {.step = SASL_ABORT};

    if (!exchange)
        return;
    message.conversation = exchange->number;
    if (!is_over(exchanges, exchange))
        (void)send_message(exchanges, &message);
    forget(exchanges, exchange);
}

/* With the lock held. A second answer to one step is dropped. */
static void hand_over(struct exchanges *exchanges, struct exchange *exchange,
                      struct exchange_answer *answer)
{
    exchange->over = exchange->over || answer->reply.outcome != SASL_CHALLENGE;
    if (exchange->answer) {
        exchange_answer_free(answer);
        return;
    }
    exchange->answer = answer;
    exchanges->options.wake(exchange->task);
}

void exchanges_reply(struct exchanges *exchanges, struct slice payload)
{
    struct exchange_answer *answer = xcalloc(1, sizeof(*answer));
    struct exchange *exchange = NULL;
    uint64_t number;

    payload = arena_dup(&answer->arena, payload);
    if (msg_sasl_reply_decode(payload, &answer->arena, &answer->reply) < 0) {
        exchange_answer_free(answer);
        return;
    }
    number = answer->reply.conversation;
    pthread_mutex_lock(&exchanges->lock);
    HASH_FIND(hh, exchanges->open, &number, sizeof(number), exchange);
    if (exchange)
        hand_over(exchanges, exchange, answer);
    else
        exchange_answer_free(answer);
    pthread_mutex_unlock(&exchanges->lock);
}

static struct exchange_answer *gone(void)
{
    struct exchange_answer *answer = xcalloc(1, sizeof(*answer));

    answer->reply = (struct msg_sasl_reply){.outcome = SASL_FAILED,
                                            .code = 454,
                                            .status = SLICE("4.7.0"),
                                            .text = SLICE("cannot check it now, try again later"),
                                            .why = SLICE("auth is away")};
    return answer;
}

void exchanges_lost(struct exchanges *exchanges)
{
    struct exchange *exchange, *next;

    pthread_mutex_lock(&exchanges->lock);
    HASH_ITER(hh, exchanges->open, exchange, next)
    if (!exchange->over)
        hand_over(exchanges, exchange, gone());
    pthread_mutex_unlock(&exchanges->lock);
}
