/*
 * The commands with nothing to them: RSET, NOOP, QUIT, VRFY, EXPN, HELP (RFC 5321 sections 4.1.1.5
 * to 4.1.1.10). VRFY promises nothing, because who asks is mostly gathering addresses; EXPN is not
 * there at all (section 7.3).
 */
#include "receive/commands.h"

struct smtp_reply cmd_rset(struct session *session, struct slice argument, struct arena *scratch)
{
    (void)scratch;
    if (argument.len)
        return SMTP_REPLY(501, 5, 5, 4, "RSET takes no argument");
    session_reset_transaction(session);
    return SMTP_REPLY(250, 2, 0, 0, "Ok");
}

struct smtp_reply cmd_noop(struct session *session, struct slice argument, struct arena *scratch)
{
    (void)session, (void)argument, (void)scratch;
    return SMTP_REPLY(250, 2, 0, 0, "Ok");
}

struct smtp_reply cmd_quit(struct session *session, struct slice argument, struct arena *scratch)
{
    (void)scratch;
    if (argument.len)
        return SMTP_REPLY(501, 5, 5, 4, "QUIT takes no argument");
    session->quit = true;
    return SMTP_REPLY_CLOSE(221, 2, 0, 0, "Bye");
}

struct smtp_reply cmd_vrfy(struct session *session, struct slice argument, struct arena *scratch)
{
    (void)session, (void)scratch;
    if (argument.len == 0)
        return SMTP_REPLY(501, 5, 5, 4, "say VRFY address");
    return SMTP_REPLY(252, 2, 5, 2, "cannot verify, but will take mail for it and try");
}

struct smtp_reply cmd_expn(struct session *session, struct slice argument, struct arena *scratch)
{
    (void)session, (void)argument, (void)scratch;
    return SMTP_REPLY(502, 5, 5, 1, "EXPN is not offered");
}

struct smtp_reply cmd_help(struct session *session, struct slice argument, struct arena *scratch)
{
    (void)argument, (void)scratch;
    if (session_is_lmtp(session))
        return SMTP_REPLY(214, 2, 0, 0,
                          "LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP\nRFC 2033");
    return SMTP_REPLY(214, 2, 0, 0,
                      "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP\nRFC 5321");
}
