/*
 * From "go ahead", or from the connection itself where TLS is implicit (RFC 8314 section 3.3), to
 * the end of the handshake. See handshake.h.
 *
 * What was said in plain text is forgotten then, and the session is as new (RFC 3207 section 4.2).
 * Nothing that was read before the handshake is executed after it: bytes behind STARTTLS end the
 * session (dispatch.c), and those that stood in the socket are taken for TLS, which they are not.
 * Only behind a PROXY header does the handshake itself begin in what was read.
 *
 * A handshake that fails leaves no way to say so but TLS's own alert, which OpenSSL has sent.
 */
#include "receive/handshake.h"

#include "receive/auth.h"
#include "receive/gate.h"

#include <errno.h>

bool handshake_is_offered(const struct session *session)
{
    enum config_tls tls = session->listener->settings->tls;

    return (tls == TLS_OFFERED || tls == TLS_REQUIRED) && !session->transport.secure &&
           !session->introduced && server_has_tls(session->server);
}

bool handshake_is_due(const struct session *session)
{
    return session->listener->settings->tls == TLS_REQUIRED && !session->transport.secure;
}

bool handshake_keeps_silent(const struct session *session)
{
    return !session->transport.secure &&
           (session->transport.ssl || session->listener->settings->tls == TLS_IMPLICIT);
}

void handshake_begin(struct session *session)
{
    session->phase = PHASE_TLS;
    session_progress(session);
}

static int start(struct session *session)
{
    const struct config_listener *settings = session->listener->settings;
    struct transport_tls how = {.listener = settings->name,
                                .already = buf_slice(&session->pending)};
    int r;

    how.tls = server_take_tls(session->server);
    how.ask_certificate = settings->client_certificate != CERTIFICATE_IGNORED;
    how.require_certificate = settings->client_certificate == CERTIFICATE_REQUIRED;
    r = transport_start_tls(&session->transport, &how);
    tls_server_unref(how.tls);
    buf_done(&session->pending);
    return r;
}

static void fail(struct session *session, const char *why)
{
    atomic_fetch_add(&session->server->counts.tls_failures, 1);
    log_info(&session->log, "tls-failed", LOG_STR("client", session->client_text),
             LOG_STR("why", why));
    session_end(session);
}

static void log_facts(const struct session *session)
{
    const struct tls_facts *facts = session->tls;

    log_info(&session->log, "tls", LOG_STR("client", session->client_text),
             LOG_STR("version", facts->version), LOG_STR("cipher", facts->cipher),
             LOG_STR("resumed", facts->resumed ? "yes" : "no"),
             LOG_SLICE("sni", facts->server_name), LOG_SLICE("peer", facts->peer),
             LOG_SLICE("fingerprint", facts->peer_fingerprint));
    if (facts->peer_refused)
        log_warn(&session->log, "client-certificate-refused",
                 LOG_STR("client", session->client_text), LOG_STR("why", facts->peer_refused));
}

static void begin_anew(struct session *session)
{
    auth_forget(session);
    session_reset_transaction(session);
    session->helo = SLICE_NULL;
    session->extended = false;
    session->state = STATE_START;
}

static void finish(struct session *session)
{
    struct tls_facts *facts = arena_alloc(&session->arena, sizeof(*facts));

    transport_tls_facts(&session->transport, &session->arena, facts);
    session->tls = facts;
    atomic_fetch_add(&session->server->counts.tls_sessions, 1);
    log_facts(session);
    begin_anew(session);
    if (session->listener->settings->tls == TLS_IMPLICIT) {
        gate_wait_for_banner(session);
    } else {
        session->phase = PHASE_COMMANDS;
        session_progress(session);
    }
}

bool handshake_run(struct session *session, struct step *step)
{
    char why[256];
    int r = 0;

    if (step->scratch->out.len || session->unsent.len)
        return false; /* the client has not been told to go ahead */
    if (!session->transport.ssl)
        r = start(session);
    if (r < 0)
        snprintf(why, sizeof(why), "%s", r == -ENOKEY ? "no certificate" : log_strerror(r));
    else
        r = transport_handshake(&session->transport, why, sizeof(why));
    if (r == -EAGAIN)
        return false;
    if (r == 0)
        finish(session);
    else
        fail(session, why);
    return true;
}

void handshake_time_out(struct session *session)
{
    fail(session, "the client took too long");
    session->phase = PHASE_END;
}
