/*
 * STARTTLS (RFC 3207). The reply goes out in plain text, then PHASE_TLS begins (handshake.c). That
 * nothing stands behind the command was seen to by the dispatcher.
 *
 * Behind XCLIENT it comes too late: the facts that the proxy told would have to be forgotten, and
 * the client would be taken for the proxy, which may do more.
 */
#include "receive/commands.h"
#include "receive/handshake.h"

struct smtp_reply cmd_starttls(struct session *session, struct slice argument,
                               struct arena *scratch)
{
    (void)scratch;
    if (argument.len)
        return SMTP_REPLY(501, 5, 5, 4, "STARTTLS takes no argument");
    if (session->transport.secure)
        return SMTP_REPLY(503, 5, 5, 1, "TLS is on already");
    if (session->listener->settings->tls == TLS_OFF)
        return SMTP_REPLY(502, 5, 5, 1, "STARTTLS is not offered here");
    if (session->introduced)
        return SMTP_REPLY(503, 5, 5, 1, "say STARTTLS before XCLIENT");
    if (!server_has_tls(session->server))
        return SMTP_REPLY(454, 4, 7, 0, "TLS is not available now");
    handshake_begin(session);
    return SMTP_REPLY(220, 2, 0, 0, "go ahead");
}
