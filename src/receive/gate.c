/*
 * What comes before the banner: who the client really is, whether there is room for it, and
 * whether it can wait. See session.h.
 *
 * A peer in the `proxy` networks of its listener must speak the PROXY protocol; nobody else may.
 * A client of an mx listener that talks before the banner is sent away (real mail servers wait);
 * elsewhere its words are kept until the banner is out.
 */
#include "receive/gate.h"

#include "base/clock.h"
#include "io/socket_address.h"
#include "receive/checks.h"
#include "receive/handshake.h"

static struct socket_address to_socket_address(const struct smtp_endpoint *endpoint)
{
    int family = endpoint->family == SMTP_FAMILY_IPV4 ? AF_INET : AF_INET6;

    if (endpoint->family == SMTP_FAMILY_NONE)
        return (struct socket_address){.len = 0};
    return socket_address_from_ip(family, endpoint->address, endpoint->port);
}

bool session_may_proxy(const struct session *session, const struct config_networks *networks)
{
    struct socket_address address = to_socket_address(&session->peer);

    return address.len && config_find_network(networks, &address.socket.any);
}

bool session_is_among(const struct session *session, const struct config_networks *networks)
{
    struct socket_address address = to_socket_address(&session->client);

    return address.len && config_find_network(networks, &address.socket.any);
}

struct policy_sender session_sender(const struct session *session)
{
    struct socket_address address = to_socket_address(&session->client);

    if (session->login.account.len)
        return policy_sender_of_login(session->listener->settings);
    return policy_sender_of_client(session->config, address.len ? &address.socket.any : NULL);
}

struct smtp_reply gate_count_client(struct session *session)
{
    unsigned max = session->config->limits.sessions_per_client;

    session->counted = clients_enter(session->server->clients, &session->client, max);
    if (session->counted)
        return SMTP_REPLY_NONE;
    atomic_fetch_add(&session->server->counts.refused_connections, 1);
    log_info(&session->log, "too-many-sessions", LOG_STR("client", session->client_text),
             LOG_INT("limit", max));
    return SMTP_REPLY_CLOSE(421, 4, 7, 0, "too many connections from your address");
}

struct smtp_reply gate_banner(const struct session *session, struct arena *scratch)
{
    return smtp_reply_format(scratch, 220, STATUS(0, 0, 0), "%.*s %s Nuncio",
                             SLICE_ARG(session->config->hostname),
                             session_is_lmtp(session) ? "LMTP" : "ESMTP");
}

void gate_wait_for_banner(struct session *session)
{
    uint64_t delay = session_is_mx(session) ? session->config->timeouts.banner_ms : 0;

    session->phase = PHASE_BANNER;
    session->deadline_ms = clock_mono_ms() + delay;
}

/* The client is known now: is there room for it? */
static void admit(struct session *session, struct step *step)
{
    struct smtp_reply reply = gate_count_client(session);

    log_info(&session->log, "connect", LOG_STR("client", session->client_text));
    if (!reply.code)
        checks_meet_client(session);
    if (reply.code)
        session_reply(session, step, &reply);
    else if (session->listener->settings->tls == TLS_IMPLICIT)
        handshake_begin(session);
    else
        gate_wait_for_banner(session);
}

void gate_open(struct session *session, struct step *step)
{
    if (session_may_proxy(session, &session->listener->settings->proxy)) {
        session->phase = PHASE_PROXY;
        session_progress(session);
    } else {
        admit(session, step);
    }
}

bool gate_take_proxy(struct session *session, struct step *step, struct slice *input)
{
    struct smtp_endpoint client;
    size_t used;

    switch (smtp_proxy_parse(*input, &used, &client)) {
    case SMTP_PROXY_MORE:
        return false;
    case SMTP_PROXY_BAD:
        log_warn(&session->log, "proxy-header-bad", LOG_STR("peer", session->client_text));
        session_end(session);
        return true;
    case SMTP_PROXY_DONE:
        break;
    }
    *input = slice_skip(*input, used);
    if (client.family != SMTP_FAMILY_NONE)
        session_set_client(session, &client);
    admit(session, step);
    if (input->len && session->phase == PHASE_BANNER)
        gate_early_talker(session, step);
    return true;
}

void gate_send_banner(struct session *session, struct step *step)
{
    struct smtp_reply banner = gate_banner(session, &step->scratch->arena);

    session->phase = PHASE_COMMANDS;
    session_reply(session, step, &banner);
    session_progress(session);
}

void gate_early_talker(struct session *session, struct step *step)
{
    struct smtp_reply reply = SMTP_REPLY_CLOSE(554, 5, 5, 1, "you talk before you are greeted");

    if (!session_is_mx(session))
        return;
    atomic_fetch_add(&session->server->counts.refused_connections, 1);
    log_info(&session->log, "early-talker", LOG_STR("client", session->client_text));
    session_reply(session, step, &reply);
}
