/*
 * RCPT (RFC 5321 section 4.1.1.3): may this recipient be reached from this client, and does it
 * exist? The relay rules are policy/relay.h's; mailboxes are asked of the auth role.
 *
 * The postmaster of a domain of ours exists whatever the accounts say (section 4.5.1), and so does
 * <postmaster> alone, which is written as that of our own domain (ourselves.h).
 */
#include "receive/commands.h"

#include "mail/address.h"
#include "receive/ourselves.h"

static bool is_postmaster(const struct address *to)
{
    return to->kind == ADDRESS_POSTMASTER || slice_eq_nocase(to->local, SLICE("postmaster"));
}

static struct smtp_reply from_resolve(enum resolve_status status,
                                      const struct config_domain *domain)
{
    switch (status) {
    case RESOLVE_UNKNOWN:
        return SMTP_REPLY(550, 5, 1, 1, "no such user here");
    case RESOLVE_FORGED:
        return SMTP_REPLY(550, 5, 1, 1,
                          "no such user here: this rewritten address was not made here");
    case RESOLVE_EXPIRED:
        return SMTP_REPLY(550, 5, 1, 1, "no such user here: this rewritten address has expired");
    case RESOLVE_FULL:
        return domain->when_full == FULL_REJECT
                   ? SMTP_REPLY(552, 5, 2, 2, "the mailbox is full")
                   : SMTP_REPLY(452, 4, 2, 2, "the mailbox is full, try again later");
    case RESOLVE_LOCAL:
    case RESOLVE_EXPAND:
    case RESOLVE_ROUTE:
        return SMTP_REPLY_NONE;
    case RESOLVE_OWN: /* answers another question */
    case RESOLVE_LATER:
        break;
    }
    return SMTP_REPLY(451, 4, 3, 0, "cannot look the recipient up now, try again later");
}

static struct smtp_reply check_mailbox(struct session *session, const struct address *to,
                                       const struct config_domain *domain)
{
    struct server *server = session->server;
    bool any = domain->recipients == RECIPIENTS_ANY && !address_is_srs(to->local);

    if (is_postmaster(to) || any)
        return SMTP_REPLY_NONE;
    return from_resolve(server->resolve(server->resolve_arg, to->mailbox), domain);
}

static struct smtp_reply check(struct session *session, const struct address *to,
                               struct policy_verdict *verdict)
{
    *verdict = policy_relay(session->config, &session->transaction->sender, to->domain);
    if (to->kind == ADDRESS_POSTMASTER) {
        verdict->outcome = POLICY_ACCEPT;
        verdict->class = CLASS_LOCAL;
        return SMTP_REPLY_NONE;
    }
    switch (verdict->outcome) {
    case POLICY_DENY:
        return SMTP_REPLY(550, 5, 7, 1, "relaying denied");
    case POLICY_NO_ROUTE:
        return SMTP_REPLY(550, 5, 1, 2, "no route to that domain");
    case POLICY_ACCEPT:
        break;
    }
    if (verdict->class != CLASS_LOCAL)
        return SMTP_REPLY_NONE;
    return check_mailbox(session, to, verdict->domain);
}

static void note_lmtp_reply(struct session *session, uint32_t index)
{
    struct transaction *transaction = session->transaction;
    uint32_t count = transaction->n_lmtp_replies;

    if (count == transaction->lmtp_replies_size) {
        uint32_t size = count ? 2 * count : 4;
        uint32_t *grown = arena_alloc(&session->transaction_arena, size * sizeof(*grown));
        if (count)
            memcpy(grown, transaction->lmtp_replies, count * sizeof(*grown));
        transaction->lmtp_replies = grown;
        transaction->lmtp_replies_size = size;
    }
    transaction->lmtp_replies[transaction->n_lmtp_replies++] = index;
}

static const char *const class_names[] = {
    [CLASS_LOCAL] = "local", [CLASS_RELAY] = "relay", [CLASS_AUTHORISED] = "authorised"};

static void log_accepted(const struct session *session, const struct recipient *recipient,
                         const struct policy_verdict *verdict)
{
    log_debug(&session->log, "rcpt", LOG_SLICE("to", recipient->address),
              LOG_STR("class", class_names[verdict->class]),
              LOG_SLICE("file", verdict->source.file), LOG_INT("line", verdict->source.line));
}

static void add(struct session *session, const struct smtp_rcpt *rcpt,
                const struct policy_verdict *verdict)
{
    struct transaction *transaction = session->transaction;
    struct recipient recipient = {.address = rcpt->to.mailbox,
                                  .orcpt = rcpt->orcpt,
                                  .notify = rcpt->notify,
                                  .class = verdict->class};
    uint32_t before = transaction->recipients.count, index;

    index = recipients_add(&transaction->recipients, &session->transaction_arena, &recipient);
    if (session_is_lmtp(session))
        note_lmtp_reply(session, index);
    if (transaction->recipients.count > before)
        transaction_add_verdict(session, class_names[verdict->class], &verdict->source);
    log_accepted(session, &recipient, verdict);
    session->state = STATE_RCPT;
}

struct smtp_reply cmd_rcpt(struct session *session, struct slice argument, struct arena *scratch)
{
    struct transaction *transaction = session->transaction;
    struct smtp_rcpt rcpt;
    struct policy_verdict verdict;
    struct smtp_reply reply =
        smtp_rcpt_parse(argument, transaction->envelope.smtputf8, scratch, &rcpt);

    if (reply.code)
        return reply;
    if (transaction->recipients.count >= session->config->limits.recipients)
        return SMTP_REPLY(452, 4, 5, 3, "too many recipients, send the rest in another message");
    ourselves_localise(session, &rcpt.to, scratch);
    reply = check(session, &rcpt.to, &verdict);
    if (reply.code) {
        session->refused_by = verdict.source;
        atomic_fetch_add(&session->server->counts.refused_recipients, 1);
        return reply;
    }
    add(session, &rcpt, &verdict);
    return SMTP_REPLY(250, 2, 1, 5, "Ok");
}
