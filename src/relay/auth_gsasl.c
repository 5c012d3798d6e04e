/*
 * SCRAM (RFC 5802, 7677, channel binding tls-exporter: RFC 9266) and CRAM-MD5 (RFC 2195) on GNU
 * SASL's client. See auth_method.h.
 *
 * In SCRAM the server proves that it knows the password too; a login counts only when its signature
 * was verified. How often the password is hashed is the server's word: too few rounds would give a
 * false server a proof that is cheap to guess from (RFC 7677 section 4), too many would keep a
 * thread busy for minutes.
 */
#include "relay/auth_method.h"

#include "mail/encoding.h"

#include <gsasl.h>
#include <string.h>

enum { ROUNDS_MIN = 4096, ROUNDS_MAX = 5000000, BINDING_TEXT_MAX = 256 };

static bool is_scram(const struct auth_session *session)
{
    return session->method == &auth_scram;
}

/* The library wants strings that end in NUL. Its copy is wiped by gsasl_end(). */
static bool set(struct auth_session *session, Gsasl_property which, struct slice value)
{
    return slice_find(value, '\0') < 0 &&
           gsasl_property_set_raw(session->state, which, value.ptr, value.len) == GSASL_OK;
}

static bool set_binding(struct auth_session *session)
{
    struct buf text;
    bool fine;

    if (!((unsigned)session->mechanism & MECHANISM_PLUS))
        return true;
    buf_init(&text, BINDING_TEXT_MAX);
    base64_encode_line(&text, session->secrets->binding);
    fine = session->secrets->binding.len && !text.overflow &&
           set(session, GSASL_CB_TLS_EXPORTER, buf_slice(&text));
    buf_done(&text);
    return fine;
}

static bool begin(struct auth_session *session)
{
    Gsasl *library = NULL;
    Gsasl_session *state = NULL;

    if (gsasl_init(&library) != GSASL_OK)
        return auth_session_fail(session, "GNU SASL cannot be used");
    session->library = library;
    if (gsasl_client_start(library, mechanism_name(session->mechanism), &state) != GSASL_OK)
        return auth_session_fail(session, "GNU SASL does not know this mechanism");
    session->state = state;
    if (!set(session, GSASL_AUTHID, session->secrets->user) ||
        !set(session, GSASL_PASSWORD, session->secrets->password) || !set_binding(session))
        return auth_session_fail(session, "the user, password or channel binding cannot be used");
    return true;
}

/* "r=nonce,s=salt,i=4096" */
static bool rounds_are_fine(struct slice first)
{
    while (first.ptr) {
        struct slice field = slice_cut(&first, ',');
        uint64_t rounds;
        if (!slice_starts_with_nocase(field, SLICE("i=")))
            continue;
        return slice_parse_u64(slice_skip(field, 2), UINT32_MAX, &rounds) && rounds >= ROUNDS_MIN &&
               rounds <= ROUNDS_MAX;
    }
    return true; /* not the message that has them, or one that the library refuses */
}

static bool explain(struct auth_session *session, int code)
{
    if (code == GSASL_AUTHENTICATION_ERROR || code == GSASL_MECHANISM_PARSE_ERROR)
        return auth_session_fail(session, session->step > 1
                                              ? "the server does not prove that it knows the "
                                                "password: it may be somebody else"
                                              : "the server's challenge makes no sense");
    return auth_session_fail(session, gsasl_strerror(code));
}

static bool gsasl_respond(struct auth_session *session, bool challenged, struct slice challenge)
{
    char *output = NULL;
    size_t len = 0;
    int code;

    if (!session->state && !begin(session))
        return false;
    if (session->step > (is_scram(session) ? 2 : 0))
        return auth_session_fail(session, "a challenge behind the end of the login");
    if (slice_find(challenge, '\0') >= 0)
        return auth_session_fail(session, "the server's challenge makes no sense");
    if (is_scram(session) && session->step == 1 && !rounds_are_fine(challenge))
        return auth_session_fail(session,
                                 "the server asks for too few or too many rounds of SCRAM");
    /* SCRAM begins with our message, whether the server has asked for it or not. */
    if (is_scram(session) && session->step == 0 && challenge.len)
        return auth_session_fail(session, "the server's challenge makes no sense");
    code = gsasl_step(session->state, challenged ? challenge.ptr : NULL,
                      challenged ? challenge.len : 0, &output, &len);
    if (code == GSASL_OK || code == GSASL_NEEDS_MORE)
        buf_add(&session->out, output, len);
    if (output)
        explicit_bzero(output, len);
    gsasl_free(output);
    if (code != GSASL_OK && code != GSASL_NEEDS_MORE)
        return explain(session, code);
    session->proved = session->proved || code == GSASL_OK;
    return true;
}

static void gsasl_end(struct auth_session *session)
{
    const char *password =
        session->state ? gsasl_property_fast(session->state, GSASL_PASSWORD) : NULL;

    if (password)
        explicit_bzero((char *)(uintptr_t)password, strlen(password));
    if (session->state)
        gsasl_finish(session->state);
    if (session->library)
        gsasl_done(session->library);
}

const struct auth_method auth_scram = {
    .speaks_first = true, .respond = gsasl_respond, .end = gsasl_end};
const struct auth_method auth_cram = {.respond = gsasl_respond, .end = gsasl_end};
