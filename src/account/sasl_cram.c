/*
 * CRAM-MD5 (RFC 2195) on GNU SASL: a challenge, and "name digest" with the HMAC of the challenge
 * under the password itself, which is why accounts have one only where somebody asked for it.
 *
 * The server speaks first, so an initial response is against the rules (RFC 4954 section 4). The
 * name is cut off here, since the library would ask for the password in the middle of its step, and
 * it may come late. A name that nobody has gets a secret that cannot be right.
 */
#include "account/sasl_method.h"

#include <gsasl.h>

/* In hex. */
enum { DIGEST_LEN = 32, FALSE_SECRET_LEN = 16 };

static struct sasl_result cram_start(struct sasl *sasl, bool has_response, struct slice response)
{
    struct sasl_result result;
    char *output = NULL;
    size_t len = 0;
    int code;

    (void)response;
    if (has_response)
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "CRAM-MD5 has no initial response");
    code = gsasl_server_start(sasl->engine->gsasl, "CRAM-MD5", &sasl->session);
    if (code != GSASL_OK)
        return sasl_event(sasl, SASL_EVENT_FAILED, "CRAM-MD5 cannot be had");
    code = gsasl_step(sasl->session, NULL, 0, &output, &len);
    if (code == GSASL_NEEDS_MORE)
        result = sasl_challenge(sasl, slice_from(output, len));
    else
        result = sasl_event(sasl, SASL_EVENT_FAILED, "no challenge could be made");
    gsasl_free(output);
    return result;
}

static struct sasl_result cram_step(struct sasl *sasl, struct slice response)
{
    struct slice held = sasl_hold(&sasl->held, response);
    size_t digest_at = held.len > DIGEST_LEN + 1 ? held.len - DIGEST_LEN : 0;
    struct slice name = slice_sub(held, 0, digest_at ? digest_at - 1 : 0);

    if (!sasl_name_is_fine(name) || held.ptr[digest_at - 1] != ' ' || slice_find(held, '\0') >= 0)
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "not \"name digest\"");
    sasl->claim.name = name;
    return sasl_event(sasl, SASL_EVENT_LOOKUP, NULL);
}

static int set_secret(struct sasl *sasl, const struct sasl_keys *keys)
{
    char noise[FALSE_SECRET_LEN], *hex = NULL;
    size_t len;
    int code;

    if (keys->known)
        return gsasl_property_set_raw(sasl->session, GSASL_PASSWORD, keys->secret.ptr,
                                      keys->secret.len);
    code = gsasl_nonce(noise, sizeof(noise));
    if (code == GSASL_OK)
        code = gsasl_hex_to(noise, sizeof(noise), &hex, &len);
    if (code == GSASL_OK)
        code = gsasl_property_set(sasl->session, GSASL_PASSWORD, hex);
    gsasl_free(hex);
    return code;
}

static struct sasl_result cram_provide(struct sasl *sasl, const struct sasl_keys *keys)
{
    char *output = NULL;
    size_t len;
    int code = set_secret(sasl, keys);

    if (code == GSASL_OK)
        code = gsasl_step(sasl->session, sasl->held.ptr, sasl->held.len, &output, &len);
    gsasl_free(output);
    if (code == GSASL_MECHANISM_PARSE_ERROR)
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "not \"name digest\"");
    if (!sasl->known)
        return sasl_event(sasl, SASL_EVENT_FAILED, "no such account, or it has no secret");
    if (code != GSASL_OK)
        return sasl_event(sasl, SASL_EVENT_FAILED, "wrong password");
    return sasl_event(sasl, SASL_EVENT_PROVED, NULL);
}

const struct sasl_method sasl_cram = {
    .start = cram_start, .step = cram_step, .provide = cram_provide};
