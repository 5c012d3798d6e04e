/*
 * EHLO, HELO, LHLO (RFC 5321 section 4.1.1.1, RFC 2033 section 4.1). Each ends a transaction, but
 * one that is refused changes nothing (RFC 5321 section 4.1.4).
 *
 * What is offered here is what the rest of the house keeps: nothing whose values are not stored
 * and honoured on the way out.
 */
#include "receive/auth.h"
#include "receive/checks.h"
#include "receive/commands.h"
#include "receive/handshake.h"

static struct smtp_reply greet(struct session *session, struct slice argument, bool extended)
{
    if (!smtp_hello_name_is_valid(argument))
        return SMTP_REPLY(501, 5, 5, 4, "say your name: one word, without blanks");
    session_reset_transaction(session);
    if (!slice_eq(session->helo, argument))
        session->helo = arena_dup(&session->arena, argument);
    session->extended = extended;
    session->state = STATE_READY;
    checks_hear_hello(session);
    return SMTP_REPLY_NONE;
}

static bool offers_xclient(const struct session *session)
{
    return session_may_proxy(session, &session->listener->settings->xclient);
}

/* To those whose priority may count (RFC 6710 section 4.1). */
static bool offers_priority(const struct session *session)
{
    return session->listener->settings->service == SERVICE_SUBMISSION ||
           session_sender(session).may_relay;
}

static struct smtp_reply extensions(struct session *session, struct arena *scratch)
{
    const struct config *config = session->config;
    const struct config_limits *limits = &config->limits;
    struct slice auth = auth_keyword(session, scratch);

    return smtp_reply_format(
        scratch, 250, STATUS(0, 0, 0),
        "%.*s\nPIPELINING\nSIZE %llu\n8BITMIME\nCHUNKING\nSMTPUTF8\nENHANCEDSTATUSCODES\nDSN\n"
        "LIMITS MAILMAX=%u RCPTMAX=%u%s%s%s%s%.*s\nHELP",
        SLICE_ARG(config->hostname), (unsigned long long)session_message_size(session),
        limits->transactions, limits->recipients, handshake_is_offered(session) ? "\nSTARTTLS" : "",
        session->tls ? "\nREQUIRETLS" : "", offers_priority(session) ? "\nMT-PRIORITY" : "",
        offers_xclient(session) ? "\nXCLIENT " SMTP_XCLIENT_ATTRIBUTES : "", SLICE_ARG(auth));
}

struct smtp_reply cmd_ehlo(struct session *session, struct slice argument, struct arena *scratch)
{
    struct smtp_reply reply = greet(session, argument, true);

    return reply.code ? reply : extensions(session, scratch);
}

struct smtp_reply cmd_lhlo(struct session *session, struct slice argument, struct arena *scratch)
{
    return cmd_ehlo(session, argument, scratch);
}

struct smtp_reply cmd_helo(struct session *session, struct slice argument, struct arena *scratch)
{
    struct smtp_reply reply = greet(session, argument, false);

    return reply.code ? reply
                      : smtp_reply_format(scratch, 250, STATUS(0, 0, 0), "%.*s",
                                          SLICE_ARG(session->config->hostname));
}
