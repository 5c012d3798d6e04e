/*
 * SCRAM-SHA-256 and SCRAM-SHA-1, with and without channel binding (RFC 5802, 7677, 9266), on GNU
 * SASL.
 *
 * The library asks for salt and keys in the middle of a step, and they may come from elsewhere and
 * late. So the client's first message is parsed in a session of its own, which tells the name, and
 * is given again to the one that holds the conversation when the keys are there.
 *
 * Binding: -PLUS takes tls-exporter alone. A client that says "y" (it could bind, but saw no -PLUS
 * offered) is refused where -PLUS was offered: somebody has changed the offer on its way (RFC 5802
 * section 6). "p" without -PLUS, which the library would take, is against the rules.
 *
 * In SMTP the server's last message is a challenge, which the client answers with nothing (RFC 4954
 * section 4).
 */
#include "account/sasl_method.h"

#include <gsasl.h>

enum { STAGE_FIRST, STAGE_PROOF, STAGE_LAST };

static struct sasl_result failed(struct sasl *sasl, int code)
{
    if (code == GSASL_MECHANISM_PARSE_ERROR || code == GSASL_BASE64_ERROR)
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "not a SCRAM message");
    return sasl_event(sasl, SASL_EVENT_FAILED, "the name cannot be one (SASLprep)");
}

/* A fresh session; the binding is only known to it where it counts. */
static int open_session(struct sasl *sasl)
{
    int code;

    sasl_end_session(sasl);
    code = gsasl_server_start(sasl->engine->gsasl, mechanism_name(sasl->mechanism), &sasl->session);
    if (code != GSASL_OK)
        sasl->session = NULL;
    else if ((unsigned)sasl->mechanism & MECHANISM_PLUS)
        code = gsasl_property_set(sasl->session, GSASL_CB_TLS_EXPORTER, sasl->binding.ptr);
    return code;
}

static struct slice property(struct sasl *sasl, Gsasl_property which)
{
    return slice_from_cstr(gsasl_property_fast(sasl->session, which));
}

/* Both names behind each other in one buffer. */
static bool keep_names(struct sasl *sasl)
{
    struct slice name = property(sasl, GSASL_AUTHID), authzid = property(sasl, GSASL_AUTHZID);
    struct slice both;

    if (!sasl_name_is_fine(name) || authzid.len > SASL_NAME_MAX)
        return false;
    buf_add_slice(&sasl->name, name);
    buf_add_slice(&sasl->name, authzid);
    both = buf_slice(&sasl->name);
    sasl->claim.name = slice_sub(both, 0, name.len);
    sasl->claim.authzid = slice_skip(both, name.len);
    return true;
}

static struct sasl_result check_binding_flag(struct sasl *sasl, struct slice first)
{
    bool plus = (unsigned)sasl->mechanism & MECHANISM_PLUS;

    if (plus && !slice_starts_with_nocase(first, SLICE("p=tls-exporter,")))
        return sasl_event(sasl, SASL_EVENT_FAILED,
                          first.ptr[0] == 'p' ? "a channel binding other than tls-exporter"
                                              : "-PLUS without a channel binding");
    if (!plus && first.ptr[0] == 'p')
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "a channel binding without -PLUS");
    if (!plus && first.ptr[0] == 'y' && sasl->plus_offered)
        return sasl_event(sasl, SASL_EVENT_FAILED, "the client did not see that -PLUS is offered");
    return (struct sasl_result){0};
}

static struct sasl_result take_first(struct sasl *sasl, struct slice response)
{
    struct slice first = sasl_hold(&sasl->held, response);
    struct sasl_result result;
    char *output = NULL;
    size_t len;
    int code;

    if (first.len == 0 || slice_find(first, '\0') >= 0)
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "not a SCRAM message");
    result = check_binding_flag(sasl, first);
    if (result.event)
        return result;
    code = open_session(sasl);
    if (code == GSASL_OK)
        code = gsasl_step(sasl->session, first.ptr, first.len, &output, &len);
    gsasl_free(output);
    if (code != GSASL_NEEDS_MORE || !keep_names(sasl))
        return failed(sasl, code == GSASL_NEEDS_MORE ? GSASL_MECHANISM_PARSE_ERROR : code);
    return sasl_event(sasl, SASL_EVENT_LOOKUP, NULL);
}

static struct sasl_result take_proof(struct sasl *sasl, struct slice response)
{
    char *output = NULL;
    size_t len = 0;
    int code = GSASL_MECHANISM_PARSE_ERROR;

    if (slice_find(response, '\0') < 0)
        code = gsasl_step(sasl->session, response.ptr, response.len, &output, &len);
    if (code == GSASL_OK) {
        buf_reset(&sasl->challenge);
        buf_add(&sasl->challenge, output, len);
    }
    gsasl_free(output);
    sasl->stage = STAGE_LAST;
    if (code == GSASL_OK && sasl->known)
        return sasl_event(sasl, SASL_EVENT_PROVED, NULL);
    if (code == GSASL_MECHANISM_PARSE_ERROR || code == GSASL_BASE64_ERROR)
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "not a SCRAM message");
    if (!sasl->known)
        return sasl_event(sasl, SASL_EVENT_FAILED, "no such account, or it has no verifier");
    return sasl_event(sasl, SASL_EVENT_FAILED,
                      (unsigned)sasl->mechanism & MECHANISM_PLUS
                          ? "wrong password, or another TLS connection"
                          : "wrong password");
}

static struct sasl_result scram_step(struct sasl *sasl, struct slice response)
{
    if (sasl->stage == STAGE_FIRST)
        return take_first(sasl, response);
    if (sasl->stage == STAGE_PROOF)
        return take_proof(sasl, response);
    if (response.len)
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "words behind the end of SCRAM");
    return sasl_event(sasl, SASL_EVENT_DONE, NULL);
}

static struct sasl_result scram_start(struct sasl *sasl, bool has_response, struct slice response)
{
    return has_response ? scram_step(sasl, response) : sasl_challenge(sasl, SLICE_NULL);
}

static int set(struct sasl *sasl, Gsasl_property which, struct slice value)
{
    return gsasl_property_set_raw(sasl->session, which, value.ptr, value.len);
}

static int set_keys(struct sasl *sasl, const struct sasl_keys *keys)
{
    char iterations[16];
    int code = open_session(sasl);

    snprintf(iterations, sizeof(iterations), "%u", keys->iterations);
    if (code == GSASL_OK)
        code = set(sasl, GSASL_SCRAM_ITER, slice_from_cstr(iterations));
    if (code == GSASL_OK)
        code = set(sasl, GSASL_SCRAM_SALT, keys->salt);
    if (code == GSASL_OK)
        code = set(sasl, GSASL_SCRAM_STOREDKEY, keys->stored_key);
    if (code == GSASL_OK)
        code = set(sasl, GSASL_SCRAM_SERVERKEY, keys->server_key);
    return code;
}

static struct sasl_result scram_provide(struct sasl *sasl, const struct sasl_keys *keys)
{
    struct sasl_result result;
    char *output = NULL;
    size_t len = 0;
    int code = set_keys(sasl, keys);

    sasl->stage = STAGE_PROOF;
    if (code == GSASL_OK)
        code = gsasl_step(sasl->session, sasl->held.ptr, sasl->held.len, &output, &len);
    if (code == GSASL_NEEDS_MORE)
        result = sasl_challenge(sasl, slice_from(output, len));
    else
        result = failed(sasl, code);
    gsasl_free(output);
    return result;
}

/* The server's signature waits in the buffer of challenges since the proof. */
static struct sasl_result scram_accept(struct sasl *sasl)
{
    sasl->state = SASL_STATE_RESPONSE;
    return (struct sasl_result){.event = SASL_EVENT_CHALLENGE, .data = buf_slice(&sasl->challenge)};
}

const struct sasl_method sasl_scram = {
    .start = scram_start,
    .step = scram_step,
    .provide = scram_provide,
    .accept = scram_accept,
};
