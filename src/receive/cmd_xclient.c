/*
 * XCLIENT: a proxy in front of us says who the client is. For the networks of `xclient` alone; for
 * others the command does not exist. The session begins anew, banner included, with the new client.
 *
 * LOGIN and PROTO are read and not believed: nothing here depends on them.
 */
#include "receive/auth.h"
#include "receive/checks.h"
#include "receive/commands.h"
#include "receive/gate.h"

/* The certificate is the proxy's. */
static void forget_peer(struct tls_facts *tls)
{
    tls->peer = tls->peer_fingerprint = SLICE_NULL;
    tls->n_peer_emails = 0;
}

static void take_over(struct session *session, const struct smtp_xclient *xclient)
{
    session->introduced = true;
    if (session->tls)
        forget_peer(session->tls);
    if (xclient->name.ptr)
        session->client_name = arena_dup(&session->arena, xclient->name);
    if (xclient->helo.ptr)
        session->helo = arena_dup(&session->arena, xclient->helo);
    if (xclient->has_address) {
        if (session->counted)
            clients_leave(session->server->clients, &session->client);
        session->counted = false;
        session_set_client(session, &xclient->address);
    }
}

struct smtp_reply cmd_xclient(struct session *session, struct slice argument, struct arena *scratch)
{
    struct smtp_xclient xclient;
    struct smtp_reply reply;

    if (!session_may_proxy(session, &session->listener->settings->xclient))
        return SMTP_REPLY(500, 5, 5, 2, "command not recognised");
    reply = smtp_xclient_parse(argument, scratch, &xclient);
    if (reply.code)
        return reply;
    session_reset_transaction(session);
    auth_forget(session);
    take_over(session, &xclient);
    session->state = STATE_START;
    reply = gate_count_client(session);
    checks_meet_client(session);
    return reply.code ? reply : gate_banner(session, scratch);
}
