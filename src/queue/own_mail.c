/*
 * The committer's thread puts what is done into a list, and the loop's thread takes it from there.
 * An answer that relay has no room for is tried again in the next round.
 */
#include "queue/own_mail.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "io/memory_file.h"
#include "queue/route.h"

#include <pthread.h>
#include <utlist.h>

enum {
    WAITING_MAX = 1000, /* mails of relay on the way to the disk */
    MAIL_MAX = 32 << 20,
};

/* Under which its reports stand in their envelopes. */
#define RELAY_LISTENER SLICE("report")

struct ticket {
    struct queue *queue;
    uint64_t id;
    uint64_t request; /* of relay */
    bool asked;       /* relay waits for the answer */
    uint64_t life;    /* of relay */
    int result;
    struct ticket *next;
};

struct own_mails {
    struct loop *loop;
    pthread_mutex_t lock;
    struct ticket *done;    /* under the lock */
    struct ticket *to_tell; /* the answer did not go yet */
    unsigned under_way;
    uint64_t relay_life;
};

struct own_mails *own_mails_new(struct queue *queue)
{
    struct own_mails *mails = xcalloc(1, sizeof(*mails));

    mails->loop = queue->role->loop;
    pthread_mutex_init(&mails->lock, NULL);
    return mails;
}

static void free_list(struct ticket *list)
{
    struct ticket *ticket, *tmp;

    LL_FOREACH_SAFE(list, ticket, tmp)
    free(ticket);
}

void own_mails_free(struct own_mails *mails)
{
    if (!mails)
        return;
    free_list(mails->done);
    free_list(mails->to_tell);
    pthread_mutex_destroy(&mails->lock);
    free(mails);
}

/* On the committer's thread. */
static void on_done(void *arg, int result)
{
    struct ticket *ticket = arg;
    struct own_mails *mails = ticket->queue->own_mails;

    ticket->result = result;
    pthread_mutex_lock(&mails->lock);
    LL_PREPEND(mails->done, ticket);
    pthread_mutex_unlock(&mails->lock);
    loop_wake(mails->loop);
}

static void submit(struct queue *queue, const struct own_mail *mail, struct ticket ticket)
{
    struct recipient recipient = {.address = mail->to,
                                  .class = route_class(queue->config, mail->to)};
    struct envelope envelope = {.id = mail->id ? mail->id : spool_store_next_id(queue->store),
                                .received_ms = clock_wall_ms(),
                                .reverse_path = mail->from,
                                .recipients = &recipient,
                                .n_recipients = 1,
                                .ours = true,
                                .listener = mail->listener};
    struct ticket *copy = xcalloc(1, sizeof(*copy));

    envelope.body = utf8_is_ascii(mail->text) ? BODY_7BIT : BODY_8BITMIME;
    envelope.smtputf8 = !utf8_is_ascii(mail->to) || !utf8_is_ascii(mail->from);
    *copy = ticket;
    copy->queue = queue;
    copy->id = envelope.id;
    queue->own_mails->under_way++;
    log_info(NULL, "own-mail", LOG_STR("message", message_id_format(envelope.id).text),
             LOG_SLICE("kind", mail->listener), LOG_SLICE("to", mail->to));
    spool_store_submit(queue->store, &envelope, mail->text, on_done, copy);
}

void own_mail_submit(struct queue *queue, const struct own_mail *mail)
{
    submit(queue, mail, (struct ticket){0});
}

/* ---- relay's ------------------------------------------------------------------------------- */

static bool answer(struct queue *queue, uint64_t request, bool taken)
{
    struct msg_mail_taken message = {.request = request, .taken = taken};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_mail_taken_encode(&out, &message);
    r = role_send(queue->role, ROLE_RELAY, MSG_MAIL_TAKEN, buf_slice(&out), NULL, 0);
    buf_done(&out);
    return r == 0;
}

/* The text is in the descriptor, when there is one. */
static int read_text(const struct channel_message *message, struct msg_mail *mail, struct buf *text)
{
    int r;

    if (message->n_fds == 0)
        return 0;
    r = memory_file_read_all(message->fds[0], text);
    mail->text = buf_slice(text);
    return r;
}

static void take(struct queue *queue, const struct msg_mail *mail)
{
    submit(queue,
           &(struct own_mail){
               .from = mail->from, .to = mail->to, .listener = RELAY_LISTENER, .text = mail->text},
           (struct ticket){
               .request = mail->request, .asked = true, .life = queue->own_mails->relay_life});
}

void own_mail_take(struct queue *queue, const struct channel_message *message)
{
    struct msg_mail mail;
    struct buf text;

    if (msg_mail_decode(message->payload, NULL, &mail) < 0) {
        log_error(NULL, "answer-damaged", LOG_STR("peer", role_name(ROLE_RELAY)));
        return;
    }
    buf_init(&text, MAIL_MAX);
    if (!mail.to.len || queue->own_mails->under_way >= WAITING_MAX ||
        read_text(message, &mail, &text) < 0)
        (void)answer(queue, mail.request, false);
    else
        take(queue, &mail);
    buf_done(&text);
}

void own_mail_relay_lost(struct queue *queue)
{
    queue->own_mails->relay_life++;
}

/* True when nothing is left to be said about it. */
static bool settle(struct queue *queue, const struct ticket *ticket)
{
    return !ticket->asked || ticket->life != queue->own_mails->relay_life ||
           answer(queue, ticket->request, ticket->result == 0);
}

static void take_done(struct queue *queue)
{
    struct own_mails *mails = queue->own_mails;
    struct ticket *done, *ticket, *tmp;

    pthread_mutex_lock(&mails->lock);
    done = mails->done;
    mails->done = NULL;
    pthread_mutex_unlock(&mails->lock);
    LL_FOREACH_SAFE(done, ticket, tmp)
    {
        mails->under_way--;
        if (ticket->result < 0)
            log_error(NULL, "own-mail-not-written",
                      LOG_STR("message", message_id_format(ticket->id).text),
                      LOG_ERRNO(ticket->result));
        LL_PREPEND(mails->to_tell, ticket);
    }
}

void own_mail_run(struct queue *queue)
{
    struct own_mails *mails = queue->own_mails;
    struct ticket *ticket, *tmp;

    take_done(queue);
    LL_FOREACH_SAFE(mails->to_tell, ticket, tmp)
    {
        if (!settle(queue, ticket))
            return; /* at the next round, which is a tick away at most */
        LL_DELETE(mails->to_tell, ticket);
        free(ticket);
    }
}
