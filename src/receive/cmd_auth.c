/*
 * AUTH (RFC 4954): what is offered, and the exchange with the client. What the client responds is
 * judged by the auth role alone (receive/exchange.h); while that thinks, the session is parked.
 *
 *     PHASE_COMMANDS --AUTH--> PHASE_AUTH --challenge--> PHASE_AUTH_LINE --response--> PHASE_AUTH
 *                                  |--done or failed, or no answer in time--> PHASE_COMMANDS
 *
 * Nothing that could hold a password is asked for in plain text, unless the listener says so in so
 * many words. Responses are wiped as soon as they are passed on; the buffers that lines come in are
 * session.c's to wipe.
 */
#include "receive/auth.h"

#include "base/clock.h"
#include "receive/commands.h"
#include "smtp/sasl.h"

/* What auth can be asked as long as it has not said what the accounts can verify. */
enum { UNTOLD = MECHANISM_PLAIN | MECHANISM_LOGIN };

static bool is_safe(const struct session *session)
{
    return session->transport.secure || session->listener->settings->insecure_auth;
}

/* What there is on this listener, leaving aside what the connection is good for. */
static unsigned mechanisms_here(const struct session *session)
{
    const struct config_listener *settings = session->listener->settings;
    unsigned told = atomic_load(&session->server->mechanisms);

    if (settings->auth == AUTH_OFF)
        return 0;
    return session->config->auth.mechanisms & settings->mechanisms & (told ? told : UNTOLD);
}

/* Was it the client who shook hands with us, and not a proxy that speaks for him? */
static bool has_own_tls(const struct session *session)
{
    return session->tls && !session->introduced;
}

static unsigned mechanisms_now(const struct session *session)
{
    unsigned set = is_safe(session) ? mechanisms_here(session) : 0;
    unsigned char binding[TLS_BINDING_BYTES];

    if (!has_own_tls(session) || session->tls->peer_fingerprint.len == 0)
        set &= ~(unsigned)MECHANISM_EXTERNAL;
    if (!has_own_tls(session) || !transport_tls_binding(&session->transport, binding))
        set &= ~(unsigned)MECHANISM_PLUS;
    return set;
}

struct slice auth_keyword(const struct session *session, struct arena *scratch)
{
    unsigned set = session->login.account.len ? 0 : mechanisms_now(session);
    struct slice text = SLICE("\nAUTH");

    if (session->listener->settings->mechanisms & MECHANISM_QUIET_PLUS)
        set &= ~(unsigned)MECHANISM_PLUS;
    if (set == 0)
        return SLICE("");
    for (; set; set &= set - 1)
        text =
            arena_printf(scratch, "%.*s %s", SLICE_ARG(text), mechanism_name(mechanism_first(set)));
    return text;
}

bool auth_may_come(const struct session *session)
{
    return session->listener->settings->auth != AUTH_OFF && session->login.account.len == 0;
}

void auth_forget(struct session *session)
{
    exchange_end(session->server->exchanges, session->exchange);
    session->exchange = NULL;
    session->login = (struct login){.mechanism = 0};
}

static struct smtp_reply check_mechanism(const struct session *session, enum mechanism mechanism)
{
    if (!(mechanism & mechanisms_here(session)))
        return SMTP_REPLY(504, 5, 5, 4, "no such mechanism here");
    if (!is_safe(session))
        return SMTP_REPLY(538, 5, 7, 11, "not in plain text: say STARTTLS first");
    if (!(mechanism & mechanisms_now(session)))
        return SMTP_REPLY(504, 5, 5, 4, "this connection is not good for that mechanism");
    return SMTP_REPLY_NONE;
}

static struct smtp_reply bad_line(enum smtp_sasl_line verdict)
{
    switch (verdict) {
    case SMTP_SASL_CANCEL:
        return SMTP_REPLY(501, 5, 7, 0, "AUTH cancelled");
    case SMTP_SASL_LONG:
        return SMTP_REPLY(500, 5, 5, 6, "response too long");
    case SMTP_SASL_BAD:
    case SMTP_SASL_RESPONSE:
        break;
    }
    return SMTP_REPLY(501, 5, 5, 2, "that is not base64");
}

static struct smtp_reply away(void)
{
    return SMTP_REPLY(454, 4, 7, 0, "cannot check it now, try again later");
}

static void wipe(struct buf *secret)
{
    if (secret->ptr)
        explicit_bzero(secret->ptr, secret->size);
    buf_done(secret);
}

/* ---- the command ---------------------------------------------------------------------------- */

static void describe_client(const struct session *session, struct sasl_client *client,
                            unsigned char binding[TLS_BINDING_BYTES])
{
    const struct tls_facts *facts = session->tls;

    client->address = slice_from_cstr(session->client_text);
    client->listener = session->listener->settings->name;
    client->tls = session->transport.secure;
    if (!has_own_tls(session))
        return;
    if (transport_tls_binding(&session->transport, binding))
        client->binding = slice_from(binding, TLS_BINDING_BYTES);
    client->fingerprint = facts->peer_fingerprint;
    client->cert_emails = facts->peer_emails;
    client->n_cert_emails =
        facts->n_peer_emails < SASL_CERT_EMAILS_MAX ? facts->n_peer_emails : SASL_CERT_EMAILS_MAX;
}

static struct smtp_reply start(struct session *session, enum mechanism mechanism, bool has_response,
                               struct slice response)
{
    struct msg_sasl message = {
        .mechanism = (unsigned)mechanism, .has_response = has_response, .response = response};
    unsigned char binding[TLS_BINDING_BYTES];

    describe_client(session, &message.client, binding);
    session->mechanism = mechanism;
    session->exchange = exchange_start(session->server->exchanges, session->task, &message);
    if (!session->exchange)
        return away();
    session->phase = PHASE_AUTH;
    return SMTP_REPLY_NONE;
}

static struct smtp_reply check_session(const struct session *session)
{
    if (session->listener->settings->auth == AUTH_OFF)
        return SMTP_REPLY(502, 5, 5, 1, "AUTH is not offered here");
    if (!session->extended)
        return SMTP_REPLY(503, 5, 5, 1, "say EHLO first");
    if (session->login.account.len)
        return SMTP_REPLY(503, 5, 5, 1, "you have logged in already");
    return SMTP_REPLY_NONE;
}

struct smtp_reply cmd_auth(struct session *session, struct slice argument, struct arena *scratch)
{
    struct smtp_reply reply = check_session(session);
    enum smtp_sasl_line verdict = SMTP_SASL_RESPONSE;
    enum mechanism mechanism;
    struct smtp_auth auth;
    struct buf response;

    (void)scratch;
    if (reply.code == 0)
        reply = smtp_auth_parse(argument, &auth);
    if (reply.code)
        return reply;
    mechanism = mechanism_parse(auth.mechanism);
    reply = check_mechanism(session, mechanism);
    if (reply.code)
        return reply;
    /* It is the server that begins (RFC 4954 section 4). LOGIN too, but there everybody does it. */
    if (auth.has_initial && mechanism == MECHANISM_CRAM_MD5)
        return SMTP_REPLY(501, 5, 7, 0, "CRAM-MD5 has no initial response");
    buf_init(&response, SASL_BYTES_MAX);
    if (auth.has_initial)
        verdict = smtp_sasl_initial(auth.initial, &response);
    reply = verdict == SMTP_SASL_RESPONSE
                ? start(session, mechanism, auth.has_initial, buf_slice(&response))
                : bad_line(verdict);
    wipe(&response);
    return reply;
}

/* ---- what auth says ------------------------------------------------------------------------- */

/* The end of an exchange, whichever it is. */
static void conclude(struct session *session, struct step *step, struct smtp_reply reply)
{
    exchange_end(session->server->exchanges, session->exchange);
    session->exchange = NULL;
    session->phase = PHASE_COMMANDS;
    dispatch_count_error(session, &reply);
    session_progress(session);
    session_reply(session, step, &reply);
}

static struct smtp_reply log_in(struct session *session, const struct msg_sasl_reply *answer)
{
    session->login = (struct login){.account = arena_dup(&session->arena, answer->account),
                                    .mechanism = mechanism_name(session->mechanism),
                                    .message_size = answer->message_size};
    session->errors = 0;
    atomic_fetch_add(&session->server->counts.logins, 1);
    log_info(&session->log, "login", LOG_SLICE("account", answer->account),
             LOG_STR("mechanism", session->login.mechanism),
             LOG_STR("client", session->client_text), LOG_SLICE("why", answer->why));
    return SMTP_REPLY(235, 2, 7, 0, "welcome");
}

static struct smtp_reply refuse(struct session *session, struct step *step,
                                const struct msg_sasl_reply *answer)
{
    struct smtp_reply reply = {.code = (uint16_t)answer->code};

    if (!status_parse(answer->status, &reply.status, NULL) ||
        reply.status.class != answer->code / 100)
        reply.status = status_from_reply(answer->code);
    reply.text = arena_dup(&step->scratch->arena, answer->text);
    atomic_fetch_add(&session->server->counts.refused_logins, 1);
    log_info(&session->log, "login-refused", LOG_SLICE("account", answer->account),
             LOG_STR("mechanism", mechanism_name(session->mechanism)),
             LOG_STR("client", session->client_text), LOG_INT("code", reply.code),
             LOG_STR("status", status_format(reply.status).text), LOG_SLICE("why", answer->why));
    return reply;
}

bool auth_finish(struct session *session, struct step *step)
{
    struct exchange_answer *answer = exchange_take(session->server->exchanges, session->exchange);

    if (!answer)
        return false;
    switch (answer->reply.outcome) {
    case SASL_CHALLENGE:
        session->phase = PHASE_AUTH_LINE;
        smtp_sasl_challenge(&step->scratch->out, answer->reply.data);
        break;
    case SASL_DONE:
        conclude(session, step, log_in(session, &answer->reply));
        break;
    case SASL_FAILED:
        conclude(session, step, refuse(session, step, &answer->reply));
        break;
    }
    exchange_answer_free(answer);
    return true;
}

void auth_time_out(struct session *session, struct step *step)
{
    log_warn(&session->log, "login-without-answer", LOG_STR("client", session->client_text),
             LOG_STR("mechanism", mechanism_name(session->mechanism)));
    conclude(session, step, away());
}

/* ---- what the client responds --------------------------------------------------------------- */

static void respond(struct session *session, struct step *step, struct slice line)
{
    enum smtp_sasl_line verdict;
    struct buf response;

    buf_init(&response, SASL_BYTES_MAX);
    verdict = smtp_sasl_response(line, &response);
    if (verdict != SMTP_SASL_RESPONSE)
        conclude(session, step, bad_line(verdict));
    else if (!exchange_respond(session->server->exchanges, session->exchange, buf_slice(&response)))
        conclude(session, step, away());
    else
        session->phase = PHASE_AUTH;
    wipe(&response);
}

bool auth_take_line(struct session *session, struct step *step, struct slice *input)
{
    struct slice line = SLICE_NULL;

    session->lines.max = SMTP_SASL_LINE_MAX;
    switch (smtp_lines_next(&session->lines, input, &line)) {
    case SMTP_LINE_MORE:
        return false;
    case SMTP_LINE_GOOD:
        if (input->len && session_is_mx(session))
            conclude(session, step,
                     SMTP_REPLY_CLOSE(503, 5, 5, 1, "wait for the reply before you go on"));
        else
            respond(session, step, line);
        break;
    case SMTP_LINE_LONG:
        conclude(session, step, bad_line(SMTP_SASL_LONG));
        break;
    case SMTP_LINE_NUL:
    case SMTP_LINE_BARE_CR:
        conclude(session, step, bad_line(SMTP_SASL_BAD));
        break;
    case SMTP_LINE_BARE_LF:
        conclude(session, step, SMTP_REPLY_CLOSE(521, 5, 5, 2, "lines end in CRLF, not in LF"));
        break;
    }
    step->commands++;
    session_progress(session);
    return true;
}
