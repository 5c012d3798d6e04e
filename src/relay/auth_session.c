/* What all mechanisms share. See auth_method.h. */
#include "relay/auth_method.h"

#include <string.h>

static const struct auth_method *method_of(enum mechanism mechanism)
{
    switch ((unsigned)mechanism) {
    case MECHANISM_PLAIN:
        return &auth_plain;
    case MECHANISM_LOGIN:
        return &auth_login;
    case MECHANISM_XOAUTH2:
        return &auth_xoauth2;
    case MECHANISM_OAUTHBEARER:
        return &auth_oauthbearer;
    case MECHANISM_CRAM_MD5:
        return &auth_cram;
    default:
        return &auth_scram;
    }
}

struct auth_session *auth_session_new(enum mechanism mechanism, const struct auth_secrets *secrets)
{
    struct auth_session *session = xcalloc(1, sizeof(*session));

    session->mechanism = mechanism;
    session->method = method_of(mechanism);
    session->secrets = secrets;
    session->proved = session->method != &auth_scram;
    buf_init(&session->out, AUTH_BYTES_MAX);
    /* All the room at once: a buffer that grows would leave a copy behind. */
    buf_reserve(&session->out, AUTH_BYTES_MAX);
    return session;
}

void auth_session_free(struct auth_session *session)
{
    if (!session)
        return;
    if (session->method->end)
        session->method->end(session);
    explicit_bzero(session->out.ptr, session->out.size);
    buf_done(&session->out);
    free(session);
}

bool auth_session_fail(struct auth_session *session, const char *why)
{
    session->why = why;
    return false;
}

bool auth_session_step(struct auth_session *session, bool challenged, struct slice challenge,
                       struct slice *ret_response)
{
    explicit_bzero(session->out.ptr, session->out.size);
    buf_reset(&session->out);
    if (!session->method->respond(session, challenged, challenge))
        return false;
    session->step++;
    if (session->out.overflow)
        return auth_session_fail(session, "the user, password or token is too long");
    *ret_response = buf_slice(&session->out);
    return true;
}
