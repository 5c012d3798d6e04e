/*
 * See ownership.h.
 *
 *     foreign             refuse (the default)        rewrite
 *     reverse-path        553 5.7.1                   becomes the account
 *     From                550 5.7.1                   stays; Sender: account is set
 *     Sender              550 5.7.1                   becomes the account
 *
 * A message whose From names somebody in another domain is sent, but not signed: the key of that
 * domain, if it is here, is not this account's to use.
 *
 * The null reverse-path is everybody's (RFC 5321 section 4.5.5). A header in which nobody can tell
 * who is meant is refused under both settings. When auth cannot say now, neither can we: 451.
 */
#include "receive/ownership.h"

#include "mail/author.h"

static bool may_rewrite(const struct session *session)
{
    const struct config_domain *domain =
        config_find_domain(session->config, address_domain(session->login.account));

    return domain && domain->foreign_sender == FOREIGN_REWRITE;
}

/* Anything but "yes, he owns it" and "cannot tell now" is a no. */
static enum resolve_status who_owns(const struct session *session, struct slice address)
{
    const struct server *server = session->server;
    enum resolve_status status;

    if (address_eq(address, session->login.account))
        return RESOLVE_OWN;
    status = server->owns(server->resolve_arg, session->login.account, address);
    return status == RESOLVE_OWN || status == RESOLVE_LATER ? status : RESOLVE_UNKNOWN;
}

static struct smtp_reply unsure(void)
{
    return SMTP_REPLY(451, 4, 3, 0, "cannot look your addresses up now, try again later");
}

static void log_foreign(const struct session *session, const char *where, struct slice address,
                        const char *what)
{
    log_info(&session->log, "foreign-sender", LOG_SLICE("account", session->login.account),
             LOG_STR("where", where), LOG_SLICE("address", address), LOG_STR("then", what));
}

struct smtp_reply ownership_check_path(struct session *session, struct slice reverse_path,
                                       struct arena *scratch, struct slice *ret_path)
{
    enum resolve_status status = RESOLVE_OWN;

    if (reverse_path.len)
        status = who_owns(session, reverse_path);
    if (status == RESOLVE_LATER)
        return unsure();
    if (status == RESOLVE_OWN) {
        *ret_path = reverse_path;
        return SMTP_REPLY_NONE;
    }
    if (may_rewrite(session)) {
        log_foreign(session, "MAIL", reverse_path, "rewritten");
        *ret_path = session->login.account;
        return SMTP_REPLY_NONE;
    }
    log_foreign(session, "MAIL", reverse_path, "refused");
    return smtp_reply_format(scratch, 553, STATUS(5, 7, 1),
                             "<%.*s> is not yours to send as; you are <%.*s>",
                             SLICE_ARG(reverse_path), SLICE_ARG(session->login.account));
}

/* Is it an address of the account's own domain? The owner of that one lets its accounts write for
 * each other. */
static bool is_in_its_domain(const struct session *session, struct slice address)
{
    const struct config_domain *own =
        config_find_domain(session->config, address_domain(session->login.account));

    return own && config_find_domain(session->config, address_domain(address)) == own;
}

struct foreign {
    struct slice address; /* one that is not his, or empty */
    bool elsewhere;       /* one is in another domain than the account */
};

/* Code 0, or 451. */
static struct smtp_reply find_foreign(const struct session *session,
                                      const struct author_claims *claims,
                                      struct foreign *ret_foreign)
{
    for (uint32_t i = 0; i < claims->count; i++) {
        enum resolve_status status = who_owns(session, claims->list[i]);
        if (status == RESOLVE_LATER)
            return unsure();
        if (status == RESOLVE_OWN)
            continue;
        ret_foreign->address = claims->list[i];
        ret_foreign->elsewhere |= !is_in_its_domain(session, claims->list[i]);
    }
    return SMTP_REPLY_NONE;
}

static struct smtp_reply refuse(struct session *session, const char *field, struct slice foreign)
{
    log_foreign(session, field, foreign, "refused");
    return smtp_reply_format(&session->transaction_arena, 550, STATUS(5, 7, 1),
                             "%s: <%.*s> is not yours to send as; you are <%.*s>", field,
                             SLICE_ARG(foreign), SLICE_ARG(session->login.account));
}

static struct smtp_reply judge(struct session *session, const struct author *author,
                               struct repair *repair)
{
    struct foreign from = {.elsewhere = false}, sender = {.elsewhere = false};
    bool rewrite = may_rewrite(session);
    struct smtp_reply reply = find_foreign(session, &author->from, &from);

    if (reply.code == 0)
        reply = find_foreign(session, &author->sender, &sender);
    if (reply.code)
        return reply;
    if (from.address.len && !rewrite)
        return refuse(session, "From", from.address);
    if (sender.address.len && !rewrite)
        return refuse(session, "Sender", sender.address);
    session->transaction->foreign_author = from.elsewhere;
    if (sender.address.len || (from.address.len && author->sender.count == 0)) {
        log_foreign(session, sender.address.len ? "Sender" : "From",
                    sender.address.len ? sender.address : from.address, "sender-set");
        repair->set_sender = session->login.account;
    }
    return SMTP_REPLY_NONE;
}

struct smtp_reply ownership_check_header(void *arg, struct slice header, struct repair *repair)
{
    struct session *session = arg;
    struct smtp_reply reply;
    struct author author;
    struct arena arena;
    enum author_error error;

    arena_init(&arena);
    error = author_read(header, &arena, &author);
    if (error)
        reply = smtp_reply_format(&session->transaction_arena, 550, STATUS(5, 6, 0), "%s",
                                  author_error_text(error));
    else
        reply = judge(session, &author, repair);
    arena_done(&arena);
    return reply;
}
