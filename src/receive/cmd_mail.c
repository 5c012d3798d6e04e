/*
 * MAIL (RFC 5321 section 4.1.1.2): opens a transaction.
 *
 * Between transactions is where a session takes over a new configuration. The null reverse-path is
 * never refused as such. A submission listener takes mail only of those who may relay.
 */
#include "receive/commands.h"

#include "receive/pressure.h"

/* Before anything is allocated: what speaks against a transaction here and now. */
static struct smtp_reply check(struct session *session, const struct policy_sender *sender,
                               const struct smtp_mail *mail)
{
    const struct config_limits *limits = &session->config->limits;
    int r;

    if (session->transactions >= limits->transactions)
        return SMTP_REPLY_CLOSE(421, 4, 7, 0, "too many messages on one connection");
    if (session->listener->settings->service == SERVICE_SUBMISSION && !sender->may_relay)
        return SMTP_REPLY(550, 5, 7, 1, "this port is for known senders, and you are none");
    if (mail->size > limits->message_size)
        return SMTP_REPLY(552, 5, 3, 4, "message too large");
    r = spool_writer_ready(session->server->spool);
    if (r < 0)
        return intake_spool_failure(r);
    if (pressure_refuses(atomic_load_explicit(&session->server->unread, memory_order_relaxed)))
        return SMTP_REPLY(451, 4, 3, 2, "delivery is too far behind, try again later");
    return SMTP_REPLY_NONE;
}

static void begin(struct session *session, const struct policy_sender *sender,
                  const struct smtp_mail *mail)
{
    struct arena *arena = &session->transaction_arena;
    struct transaction *transaction = arena_alloc(arena, sizeof(*transaction));
    struct envelope *envelope = &transaction->envelope;

    envelope->reverse_path = arena_dup(arena, mail->from.mailbox);
    envelope->envid = arena_dup(arena, mail->envid);
    envelope->ret = mail->ret;
    envelope->body = mail->body;
    envelope->smtputf8 = mail->smtputf8;
    transaction->sender = *sender;
    session->transaction = transaction;
    session->transactions++;
    session->state = STATE_MAIL;
}

struct smtp_reply cmd_mail(struct session *session, struct slice argument, struct arena *scratch)
{
    struct smtp_mail mail;
    struct policy_sender sender;
    struct smtp_reply reply;

    server_refresh_config(session->server, &session->config);
    reply = smtp_mail_parse(argument, scratch, &mail);
    if (reply.code)
        return reply;
    sender = session_sender(session);
    reply = check(session, &sender, &mail);
    if (reply.code)
        return reply;
    begin(session, &sender, &mail);
    return SMTP_REPLY(250, 2, 1, 0, "Ok");
}
