/*
 * AUTH's grammar. See sasl.h.
 *
 *     AUTH sasl-mech [SP (base64 / "=")] CRLF
 *     [base64] CRLF                          a response; "*" cancels
 *
 * Base64 is taken in its strict form alone: no blanks, the right padding, nothing behind it (RFC
 * 4954 section 4, "any characters outside of the alphabet"). Which mechanisms there are, and what
 * the octets mean, is not known here.
 */
#include "smtp/sasl.h"

#include "mail/encoding.h"

static bool is_name(struct slice name)
{
    if (name.len == 0 || name.len > SMTP_SASL_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!ascii_is_alnum(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

struct smtp_reply smtp_auth_parse(struct slice argument, struct smtp_auth *ret_auth)
{
    struct slice initial = argument;
    struct smtp_auth auth = {.mechanism = slice_cut(&initial, ' ')};

    if (!is_name(auth.mechanism))
        return SMTP_REPLY(501, 5, 5, 4, "say AUTH mechanism");
    if (initial.ptr) {
        auth.has_initial = true;
        auth.initial = slice_trim(initial);
    }
    *ret_auth = auth;
    return SMTP_REPLY_NONE;
}

static enum smtp_sasl_line decode(struct slice base64, struct buf *response)
{
    /* All the room at once: a buffer that grows would leave a copy behind. */
    if (!buf_reserve(response, base64.len / 4 * 3 + 1))
        return SMTP_SASL_LONG;
    return base64_decode_strict(response, base64) ? SMTP_SASL_RESPONSE : SMTP_SASL_BAD;
}

enum smtp_sasl_line smtp_sasl_response(struct slice line, struct buf *response)
{
    if (slice_eq(line, SLICE("*")))
        return SMTP_SASL_CANCEL;
    return decode(line, response);
}

enum smtp_sasl_line smtp_sasl_initial(struct slice initial, struct buf *response)
{
    if (slice_eq(initial, SLICE("=")))
        return SMTP_SASL_RESPONSE;
    return initial.len ? decode(initial, response) : SMTP_SASL_BAD;
}

void smtp_sasl_challenge(struct buf *out, struct slice challenge)
{
    buf_add_cstr(out, "334 ");
    base64_encode_line(out, challenge);
    buf_add(out, "\r\n", 2);
}
