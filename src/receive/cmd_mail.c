/*
 * MAIL (RFC 5321 section 4.1.1.2): opens a transaction.
 *
 * Between transactions is where a session takes over a new configuration. The null reverse-path is
 * never refused as such. A submission listener takes mail only of those who may relay: who has
 * logged in, as himself; or, where a login is not required, clients of a trusted network.
 */
#include "receive/checks.h"
#include "receive/commands.h"

#include "mail/xtext.h"
#include "receive/ownership.h"
#include "receive/pressure.h"

/* Must he log in first (RFC 4954 section 6), or is this no place for him at all? */
static struct smtp_reply check_login(const struct session *session,
                                     const struct policy_sender *sender)
{
    const struct config_listener *settings = session->listener->settings;

    if (session->login.account.len)
        return SMTP_REPLY_NONE;
    if (settings->auth == AUTH_REQUIRED)
        return SMTP_REPLY(530, 5, 7, 0, "log in first");
    if (settings->service != SERVICE_SUBMISSION || sender->may_relay)
        return SMTP_REPLY_NONE;
    if (settings->auth == AUTH_OFFERED)
        return SMTP_REPLY(530, 5, 7, 0, "log in first");
    return SMTP_REPLY(550, 5, 7, 1, "this port is for known senders, and you are none");
}

/* Before anything is allocated: what speaks against a transaction here and now. */
static struct smtp_reply check(struct session *session, const struct policy_sender *sender,
                               const struct smtp_mail *mail)
{
    struct smtp_reply reply = check_login(session, sender);
    int r;

    if (reply.code)
        return reply;
    if (session->transactions >= session->config->limits.transactions)
        return SMTP_REPLY_CLOSE(421, 4, 7, 0, "too many messages on one connection");
    if (mail->auth.len && session->listener->settings->auth == AUTH_OFF)
        return SMTP_REPLY(555, 5, 5, 4, "AUTH: parameter not recognised");
    /* What came in the clear cannot be kept from having done so (RFC 8689 section 2). */
    if (mail->requiretls && !session->tls)
        return SMTP_REPLY(530, 5, 7, 10, "REQUIRETLS is for connections under TLS");
    if (mail->size > session_message_size(session))
        return SMTP_REPLY(552, 5, 3, 4, "message too large");
    r = spool_writer_ready(session->server->spool);
    if (r < 0)
        return intake_spool_failure(r);
    if (pressure_refuses(atomic_load_explicit(&session->server->unread, memory_order_relaxed)))
        return SMTP_REPLY(451, 4, 3, 2, "delivery is too far behind, try again later");
    return SMTP_REPLY_NONE;
}

/* AUTH=: who handed the message in, says the client. Who is not trusted to know says nothing (RFC
 * 4954 section 5), and who has logged in knows of himself alone. */
static struct slice submitter(const struct session *session, const struct policy_sender *sender,
                              const struct smtp_mail *mail)
{
    struct slice account = session->login.account;
    struct buf mailbox;
    bool trusted = sender->may_relay;

    if (mail->auth.len == 0)
        return SLICE_NULL;
    if (account.len) {
        buf_init(&mailbox, mail->auth.len);
        trusted = xtext_decode(&mailbox, mail->auth) && address_eq(buf_slice(&mailbox), account);
        buf_done(&mailbox);
    }
    return trusted ? mail->auth : SLICE("<>");
}

/* Above 0 only for those who may relay, and up to account_limits.priority; everybody may call his
 * own mail less urgent (RFC 6710 section 4.1). */
static int8_t grant_priority(const struct session *session, const struct policy_sender *sender,
                             const struct smtp_mail *mail)
{
    unsigned most = sender->may_relay ? session->config->account_limits.priority : 0;

    return mail->priority > (int)most ? (int8_t)most : mail->priority;
}

/* A priority that was changed is told with X.3.6 and the new one in front (section 4.1). */
static struct smtp_reply agree(const struct smtp_mail *mail, int8_t granted, struct arena *scratch)
{
    if (granted == mail->priority)
        return SMTP_REPLY(250, 2, 1, 0, "Ok");
    return smtp_reply_format(scratch, 250, STATUS(2, 3, 6),
                             "%d is the new priority assigned to the message", granted);
}

static void begin(struct session *session, const struct policy_sender *sender,
                  const struct smtp_mail *mail, struct slice reverse_path)
{
    struct arena *arena = &session->transaction_arena;
    struct transaction *transaction = arena_alloc(arena, sizeof(*transaction));
    struct envelope *envelope = &transaction->envelope;

    envelope->reverse_path = arena_dup(arena, reverse_path);
    envelope->login = arena_dup(arena, session->login.account);
    envelope->auth = arena_dup(arena, submitter(session, sender, mail));
    envelope->envid = arena_dup(arena, mail->envid);
    envelope->ret = mail->ret;
    envelope->body = mail->body;
    envelope->smtputf8 = mail->smtputf8;
    envelope->requiretls = mail->requiretls;
    envelope->priority = grant_priority(session, sender, mail);
    transaction->sender = *sender;
    session->transaction = transaction;
    session->transactions++;
    session->state = STATE_MAIL;
    checks_begin(session);
}

struct smtp_reply cmd_mail(struct session *session, struct slice argument, struct arena *scratch)
{
    struct smtp_mail mail;
    struct policy_sender sender;
    struct slice reverse_path;
    struct smtp_reply reply;

    server_refresh_config(session->server, &session->config);
    reply = smtp_mail_parse(argument, scratch, &mail);
    if (reply.code)
        return reply;
    sender = session_sender(session);
    reply = check(session, &sender, &mail);
    reverse_path = mail.from.mailbox;
    if (reply.code == 0 && session->login.account.len)
        reply = ownership_check_path(session, mail.from.mailbox, scratch, &reverse_path);
    if (reply.code)
        return reply;
    begin(session, &sender, &mail, reverse_path);
    return agree(&mail, session->transaction->envelope.priority, scratch);
}
