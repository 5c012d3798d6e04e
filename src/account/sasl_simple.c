/*
 * PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login) and EXTERNAL (RFC 4422 appendix A): what the
 * client says is a claim that its owner verifies.
 *
 * PLAIN is [authzid] NUL authcid NUL passwd. LOGIN asks twice; the texts are those that every
 * server uses, since some clients look at them, and the name may come as initial response, as some
 * clients send it. EXTERNAL's response is the authzid alone, mostly empty.
 *
 * SASLprep (RFC 4013) of names and passwords is the owner's part: a password hash that was moved
 * over may be of the bytes as they are.
 */
#include "account/sasl_method.h"

static struct sasl_result malformed(struct sasl *sasl, const char *why)
{
    return sasl_event(sasl, SASL_EVENT_MALFORMED, why);
}

static struct sasl_result plain_step(struct sasl *sasl, struct slice response)
{
    struct slice rest = sasl_hold(&sasl->held, response);
    struct sasl_claim claim;

    claim.authzid = slice_cut(&rest, '\0');
    if (!rest.ptr)
        return malformed(sasl, "no NUL in the PLAIN response");
    claim.name = slice_cut(&rest, '\0');
    if (!rest.ptr)
        return malformed(sasl, "only one NUL in the PLAIN response");
    claim.secret = rest;
    if (!sasl_name_is_fine(claim.name) || claim.authzid.len > SASL_NAME_MAX ||
        !sasl_password_is_fine(claim.secret))
        return malformed(sasl, "an empty, too long or broken part in the PLAIN response");
    sasl->claim = claim;
    return sasl_event(sasl, SASL_EVENT_CLAIM, NULL);
}

static struct sasl_result plain_start(struct sasl *sasl, bool has_response, struct slice response)
{
    return has_response ? plain_step(sasl, response) : sasl_challenge(sasl, SLICE_NULL);
}

const struct sasl_method sasl_plain = {.start = plain_start, .step = plain_step};

static struct sasl_result login_step(struct sasl *sasl, struct slice response)
{
    if (sasl->stage++ == 0) {
        if (!sasl_name_is_fine(response))
            return malformed(sasl, "an empty, too long or broken name");
        sasl->claim.name = sasl_hold(&sasl->name, response);
        return sasl_challenge(sasl, SLICE("Password:"));
    }
    if (!sasl_password_is_fine(response))
        return malformed(sasl, "an empty, too long or broken password");
    sasl->claim.secret = sasl_hold(&sasl->held, response);
    return sasl_event(sasl, SASL_EVENT_CLAIM, NULL);
}

static struct sasl_result login_start(struct sasl *sasl, bool has_response, struct slice response)
{
    return has_response ? login_step(sasl, response) : sasl_challenge(sasl, SLICE("Username:"));
}

const struct sasl_method sasl_login = {.start = login_start, .step = login_step};

static struct sasl_result external_step(struct sasl *sasl, struct slice response)
{
    if (response.len && !sasl_name_is_fine(response))
        return malformed(sasl, "a too long or broken authzid");
    sasl->claim.authzid = sasl_hold(&sasl->name, response);
    return sasl_event(sasl, SASL_EVENT_CLAIM, NULL);
}

static struct sasl_result external_start(struct sasl *sasl, bool has_response,
                                         struct slice response)
{
    return has_response ? external_step(sasl, response) : sasl_challenge(sasl, SLICE_NULL);
}

const struct sasl_method sasl_external = {.start = external_start, .step = external_step};
