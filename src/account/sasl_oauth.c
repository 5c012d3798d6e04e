/*
 * OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's form of the time before): a bearer token.
 *
 *   OAUTHBEARER   n,a=user,^Ahost=..^Aauth=Bearer TOKEN^A^A     (RFC 7628 section 3.1, RFC 5801)
 *   XOAUTH2       user=USER^Aauth=Bearer TOKEN^A^A
 *
 * A token that is refused gets a challenge in JSON that says so, which the client answers with
 * something that means nothing (one ^A, or nothing); only then does the conversation fail
 * (section 3.2.2). `host` and `port` are what the client connected to, and taken on trust by
 * nobody, so they are passed over. There is no channel binding in these mechanisms.
 */
#include "account/sasl_method.h"

#define SEPARATOR '\001'

/* RFC 6750 section 2.1, b64token. */
static bool is_token(struct slice token)
{
    static const struct slice others = SLICE_INIT("-._~+/=");

    for (size_t i = 0; i < token.len; i++) {
        if (!ascii_is_alnum(token.ptr[i]) && slice_find(others, token.ptr[i]) < 0)
            return false;
    }
    return token.len > 0 && token.len <= SASL_TOKEN_MAX;
}

/* RFC 5801 section 4: "=2C" is a comma, "=3D" an equals sign, and nothing else is escaped. */
static bool put_saslname(struct buf *out, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        struct slice rest = slice_sub(name, i, 3);
        if (name.ptr[i] != '=') {
            buf_add_char(out, name.ptr[i]);
            continue;
        }
        if (!slice_eq(rest, SLICE("=2C")) && !slice_eq(rest, SLICE("=3D")))
            return false;
        buf_add_char(out, rest.ptr[1] == '2' ? ',' : '=');
        i += 2;
    }
    return name.len > 0 && name.len <= SASL_NAME_MAX;
}

/* gs2-header of *rest, up to the first separator. */
static bool take_header(struct slice *rest, struct buf *name)
{
    struct slice header = slice_cut(rest, SEPARATOR);
    struct slice flag, authzid;

    flag = slice_cut(&header, ',');
    if (!rest->ptr || !header.ptr || (!slice_eq(flag, SLICE("n")) && !slice_eq(flag, SLICE("y"))))
        return false;
    authzid = slice_cut(&header, ',');
    if (!header.ptr || header.len)
        return false;
    if (authzid.len == 0)
        return true;
    return slice_starts_with_nocase(authzid, SLICE("a=")) &&
           put_saslname(name, slice_skip(authzid, 2));
}

static bool take_auth(struct slice value, struct sasl_claim *claim)
{
    struct slice scheme = slice_cut(&value, ' ');

    while (value.len && value.ptr[0] == ' ')
        value = slice_skip(value, 1);
    if (claim->secret.len || !slice_eq_nocase(scheme, SLICE("Bearer")) || !is_token(value))
        return false;
    claim->secret = value;
    return true;
}

static bool take_pair(struct slice pair, bool google, struct buf *name, struct sasl_claim *claim)
{
    struct slice key = slice_cut(&pair, '=');

    if (!pair.ptr || key.len == 0)
        return false;
    if (slice_eq_nocase(key, SLICE("auth")))
        return take_auth(pair, claim);
    if (!google || !slice_eq_nocase(key, SLICE("user")))
        return true;
    if (name->len || pair.len > SASL_NAME_MAX)
        return false;
    buf_add_slice(name, pair);
    return true;
}

bool sasl_oauth_parse(struct slice response, bool google, struct buf *name,
                      struct sasl_claim *ret_claim)
{
    struct sasl_claim claim = {.name = SLICE_NULL};

    if (slice_find(response, '\0') >= 0 || (!google && !take_header(&response, name)))
        return false;
    /* Pairs, each ended by a separator, and then one more. */
    while (response.len && response.ptr[0] != SEPARATOR) {
        struct slice pair = slice_cut(&response, SEPARATOR);
        if (!response.ptr || !take_pair(pair, google, name, &claim))
            return false;
    }
    if (response.len != 1 || claim.secret.len == 0 || (google && name->len == 0))
        return false;
    claim.authzid = buf_slice(name);
    *ret_claim = claim;
    return true;
}

enum { STAGE_RESPONSE, STAGE_REFUSED };

static struct sasl_result oauth_step(struct sasl *sasl, struct slice response)
{
    bool google = sasl->mechanism == MECHANISM_XOAUTH2;

    if (sasl->stage == STAGE_REFUSED)
        return sasl_event(sasl, SASL_EVENT_FAILED, "the token is refused");
    if (!sasl_oauth_parse(sasl_hold(&sasl->held, response), google, &sasl->name, &sasl->claim))
        return sasl_event(sasl, SASL_EVENT_MALFORMED, "not a bearer token's response");
    return sasl_event(sasl, SASL_EVENT_CLAIM, NULL);
}

static struct sasl_result oauth_start(struct sasl *sasl, bool has_response, struct slice response)
{
    return has_response ? oauth_step(sasl, response) : sasl_challenge(sasl, SLICE_NULL);
}

static struct sasl_result oauth_refuse(struct sasl *sasl)
{
    sasl->stage = STAGE_REFUSED;
    if (sasl->mechanism == MECHANISM_XOAUTH2)
        return sasl_challenge(sasl, SLICE("{\"status\":\"401\",\"schemes\":\"bearer\"}"));
    return sasl_challenge(sasl, SLICE("{\"status\":\"invalid_token\"}"));
}

const struct sasl_method sasl_oauth = {
    .start = oauth_start, .step = oauth_step, .refuse = oauth_refuse};
