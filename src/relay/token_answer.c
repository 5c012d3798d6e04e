/*
 * JSON of a token endpoint. See token_answer.h.
 *
 * A token goes into a SASL message and from there to a server, so one with other characters than
 * RFC 6750 section 2.1 has for it (VSCHAR at most) is refused.
 */
#include "relay/token_answer.h"

#include <jansson.h>
#include <string.h>

/* A day, when the server says more; what it does not say is learnt when the token is refused. */
enum { LIFETIME_MAX_S = 24 * 3600 };

static bool take_token(const json_t *value, struct buf *out)
{
    struct slice text = json_is_string(value)
                            ? slice_from(json_string_value(value), json_string_length(value))
                            : SLICE_NULL;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '!' || text.ptr[i] > '~')
            return false;
    }
    if (text.len && buf_reserve(out, text.len))
        buf_add_slice(out, text);
    return !out->overflow;
}

static void wipe_string(json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_string(value))
        explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
}

static bool take_tokens(json_t *object, struct token_answer *answer)
{
    json_int_t lifetime = json_integer_value(json_object_get(object, "expires_in"));

    if (!take_token(json_object_get(object, "access_token"), &answer->access) ||
        answer->access.len == 0 ||
        !take_token(json_object_get(object, "refresh_token"), &answer->refresh)) {
        snprintf(answer->why, sizeof(answer->why), "the answer has no token that can be used");
        return false;
    }
    if (lifetime > 0)
        answer->lifetime_s = (uint64_t)(lifetime < LIFETIME_MAX_S ? lifetime : LIFETIME_MAX_S);
    return true;
}

static void take_error(const json_t *object, long status, struct token_answer *answer)
{
    const char *error = json_string_value(json_object_get(object, "error"));
    const char *words = json_string_value(json_object_get(object, "error_description"));

    snprintf(answer->why, sizeof(answer->why), "%s%s%s (HTTP %ld)", error ? error : "no token",
             words ? ": " : "", words ? words : "", status);
}

bool token_answer_parse(long status, struct slice body, struct token_answer *ret_answer)
{
    json_t *object = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, NULL);
    bool fine = false;

    *ret_answer = (struct token_answer){.lifetime_s = 0};
    buf_init(&ret_answer->access, TOKEN_MAX);
    buf_init(&ret_answer->refresh, TOKEN_MAX);
    if (status == 200 && json_is_object(object))
        fine = take_tokens(object, ret_answer);
    else
        take_error(object, status, ret_answer);
    wipe_string(object, "access_token");
    wipe_string(object, "refresh_token");
    json_decref(object);
    return fine;
}

static void wipe(struct buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
    buf_done(buf);
}

void token_answer_done(struct token_answer *answer)
{
    wipe(&answer->access);
    wipe(&answer->refresh);
}
