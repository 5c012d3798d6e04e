/*
 * Mechanisms that say the secret as it is, so over TLS alone: PLAIN (RFC 4616), LOGIN (a draft that
 * never became an RFC: user and password, each when asked), OAUTHBEARER (RFC 7628) and XOAUTH2
 * (Google's and Microsoft's form of it). See auth_method.h.
 *
 * A server that refuses a token says why in a challenge, in JSON, and wants one more response
 * before it refuses: an empty one (XOAUTH2), or a single 0x01 (RFC 7628 section 3.2.3).
 */
#include "relay/auth_method.h"

static bool plain_respond(struct auth_session *session, bool challenged, struct slice challenge)
{
    if (session->step > 0 || challenge.len)
        return auth_session_fail(session, "a challenge where PLAIN has none");
    (void)challenged;
    buf_add_char(&session->out, '\0');
    buf_add_slice(&session->out, session->secrets->user);
    buf_add_char(&session->out, '\0');
    buf_add_slice(&session->out, session->secrets->password);
    return true;
}

/* What the server asks with is not looked at: "Username:" comes in many forms. */
static bool login_respond(struct auth_session *session, bool challenged, struct slice challenge)
{
    (void)challenged;
    (void)challenge;
    if (session->step > 1)
        return auth_session_fail(session, "LOGIN asks for more than a user and a password");
    buf_add_slice(&session->out,
                  session->step == 0 ? session->secrets->user : session->secrets->password);
    return true;
}

/* The server's JSON, for people: on one line, whatever it is. */
static bool take_error(struct auth_session *session, struct slice challenge, const char *answer)
{
    size_t len = challenge.len < AUTH_SAID_MAX ? challenge.len : AUTH_SAID_MAX - 1;

    if (session->step > 1)
        return auth_session_fail(session, "more challenges than a token has answers for");
    for (size_t i = 0; i < len; i++)
        session->said[i] =
            challenge.ptr[i] >= ' ' && challenge.ptr[i] <= '~' ? challenge.ptr[i] : ' ';
    session->said[len] = '\0';
    buf_add_cstr(&session->out, answer);
    return true;
}

static bool xoauth2_respond(struct auth_session *session, bool challenged, struct slice challenge)
{
    const struct auth_secrets *secrets = session->secrets;

    if (challenged && session->step > 0)
        return take_error(session, challenge, "");
    buf_add_cstr(&session->out, "user=");
    buf_add_slice(&session->out, secrets->user);
    buf_add_cstr(&session->out, "\1auth=Bearer ");
    buf_add_slice(&session->out, secrets->token);
    buf_add_cstr(&session->out, "\1\1");
    return true;
}

/* "," and "=" in a saslname (RFC 5801 section 4). */
static void add_saslname(struct buf *out, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == ',')
            buf_add_cstr(out, "=2C");
        else if (name.ptr[i] == '=')
            buf_add_cstr(out, "=3D");
        else
            buf_add_char(out, name.ptr[i]);
    }
}

static bool oauthbearer_respond(struct auth_session *session, bool challenged,
                                struct slice challenge)
{
    const struct auth_secrets *secrets = session->secrets;
    char port[32];

    if (challenged && session->step > 0)
        return take_error(session, challenge, "\1");
    buf_add_cstr(&session->out, "n,a=");
    add_saslname(&session->out, secrets->user);
    buf_add_cstr(&session->out, ",\1host=");
    buf_add_slice(&session->out, secrets->host);
    snprintf(port, sizeof(port), "\1port=%u", secrets->port);
    buf_add_cstr(&session->out, port);
    buf_add_cstr(&session->out, "\1auth=Bearer ");
    buf_add_slice(&session->out, secrets->token);
    buf_add_cstr(&session->out, "\1\1");
    return true;
}

const struct auth_method auth_plain = {.speaks_first = true, .respond = plain_respond};
const struct auth_method auth_login = {.respond = login_respond};
const struct auth_method auth_xoauth2 = {.speaks_first = true, .respond = xoauth2_respond};
const struct auth_method auth_oauthbearer = {.speaks_first = true, .respond = oauthbearer_respond};
