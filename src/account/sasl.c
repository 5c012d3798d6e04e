/*
 * What all mechanisms share: which one it is, what may come next, and the end. See sasl.h.
 *
 * GNU SASL does the cryptography of SCRAM and CRAM-MD5 (sasl_scram.c, sasl_cram.c). PLAIN, LOGIN
 * and EXTERNAL are a few lines here (sasl_simple.c), because the library leaves copies of passwords
 * in memory that it frees, cannot take LOGIN's name as initial response, and asks for it in words
 * that old clients do not know; XOAUTH2 and OAUTHBEARER it does not have (sasl_oauth.c).
 *
 * A call out of order is malformed, and ends the conversation as every failure does: no state can
 * be reached a second time.
 */
#include "account/sasl_method.h"

#include <gsasl.h>
#include <string.h>

/* base64 of any binding; RFC 9266 has 32 bytes. */
enum { BINDING_MAX = 1024, HELD_MAX = 16 * 1024 };

struct sasl_engine *sasl_engine_new(void)
{
    struct sasl_engine *engine = xcalloc(1, sizeof(*engine));

    if (gsasl_init(&engine->gsasl) == GSASL_OK)
        return engine;
    free(engine);
    return NULL;
}

void sasl_engine_free(struct sasl_engine *engine)
{
    if (!engine)
        return;
    gsasl_done(engine->gsasl);
    free(engine);
}

static const struct sasl_method *method_of(enum mechanism mechanism)
{
    switch ((unsigned)mechanism) {
    case MECHANISM_PLAIN:
        return &sasl_plain;
    case MECHANISM_LOGIN:
        return &sasl_login;
    case MECHANISM_EXTERNAL:
        return &sasl_external;
    case MECHANISM_XOAUTH2:
    case MECHANISM_OAUTHBEARER:
        return &sasl_oauth;
    case MECHANISM_SCRAM_SHA_256:
    case MECHANISM_SCRAM_SHA_256_PLUS:
    case MECHANISM_SCRAM_SHA_1:
    case MECHANISM_SCRAM_SHA_1_PLUS:
        return &sasl_scram;
    case MECHANISM_CRAM_MD5:
        return &sasl_cram;
    default:
        return NULL;
    }
}

static void set_binding(struct sasl *sasl, struct slice binding)
{
    char *base64 = NULL;
    size_t len;

    if (binding.len == 0 || binding.len > BINDING_MAX / 2 ||
        gsasl_base64_to(binding.ptr, binding.len, &base64, &len) != GSASL_OK)
        return;
    buf_add(&sasl->binding, base64, len);
    buf_add_char(&sasl->binding, '\0');
    gsasl_free(base64);
}

struct sasl *sasl_new(struct sasl_engine *engine, enum mechanism mechanism,
                      const struct sasl_facts *facts)
{
    const struct sasl_method *method = method_of(mechanism);
    struct sasl *sasl;

    if (!method)
        return NULL;
    sasl = xcalloc(1, sizeof(*sasl));
    sasl->engine = engine;
    sasl->mechanism = mechanism;
    sasl->method = method;
    sasl->plus_offered = facts->plus_offered;
    buf_init(&sasl->binding, BINDING_MAX);
    buf_init(&sasl->name, HELD_MAX);
    buf_init(&sasl->held, HELD_MAX);
    buf_init(&sasl->challenge, HELD_MAX);
    set_binding(sasl, facts->binding);
    if ((unsigned)mechanism & MECHANISM_PLUS && sasl->binding.len == 0) {
        sasl_free(sasl);
        return NULL;
    }
    return sasl;
}

static void wipe(struct buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
    buf_done(buf);
}

void sasl_end_session(struct sasl *sasl)
{
    const char *password;

    if (!sasl->session)
        return;
    password = gsasl_property_fast(sasl->session, GSASL_PASSWORD);
    if (password)
        explicit_bzero((char *)(uintptr_t)password, strlen(password));
    gsasl_finish(sasl->session);
    sasl->session = NULL;
}

void sasl_free(struct sasl *sasl)
{
    if (!sasl)
        return;
    sasl_end_session(sasl);
    wipe(&sasl->binding);
    wipe(&sasl->name);
    wipe(&sasl->held);
    wipe(&sasl->challenge);
    free(sasl);
}

struct slice sasl_hold(struct buf *held, struct slice bytes)
{
    size_t max = held->max;

    wipe(held);
    buf_init(held, max);
    /* At its full size at once: growing would leave a copy behind. */
    if (bytes.len && buf_reserve(held, bytes.len))
        buf_add_slice(held, bytes);
    return buf_slice(held);
}

struct sasl_result sasl_challenge(struct sasl *sasl, struct slice data)
{
    buf_reset(&sasl->challenge);
    buf_add_slice(&sasl->challenge, data);
    sasl->state = SASL_STATE_RESPONSE;
    return (struct sasl_result){.event = SASL_EVENT_CHALLENGE, .data = buf_slice(&sasl->challenge)};
}

struct sasl_result sasl_event(struct sasl *sasl, enum sasl_event event, const char *why)
{
    switch (event) {
    case SASL_EVENT_LOOKUP:
        sasl->state = SASL_STATE_LOOKUP;
        break;
    case SASL_EVENT_CLAIM:
    case SASL_EVENT_PROVED:
        sasl->state = SASL_STATE_VERDICT;
        break;
    default:
        sasl->state = SASL_STATE_OVER;
        sasl_end_session(sasl);
        break;
    }
    return (struct sasl_result){.event = event, .why = why};
}

static struct sasl_result out_of_order(struct sasl *sasl)
{
    return sasl_event(sasl, SASL_EVENT_MALFORMED, "out of order");
}

struct sasl_result sasl_step(struct sasl *sasl, bool has_response, struct slice response)
{
    if (sasl->state == SASL_STATE_NEW)
        return sasl->method->start(sasl, has_response, response);
    if (sasl->state != SASL_STATE_RESPONSE || !has_response)
        return out_of_order(sasl);
    return sasl->method->step(sasl, response);
}

struct sasl_result sasl_provide(struct sasl *sasl, const struct sasl_keys *keys)
{
    if (sasl->state != SASL_STATE_LOOKUP)
        return out_of_order(sasl);
    sasl->known = keys->known;
    return sasl->method->provide(sasl, keys);
}

struct sasl_result sasl_accept(struct sasl *sasl)
{
    if (sasl->state != SASL_STATE_VERDICT)
        return out_of_order(sasl);
    if (sasl->method->accept)
        return sasl->method->accept(sasl);
    return sasl_event(sasl, SASL_EVENT_DONE, NULL);
}

struct sasl_result sasl_refuse(struct sasl *sasl)
{
    if (sasl->state != SASL_STATE_VERDICT)
        return out_of_order(sasl);
    if (sasl->method->refuse)
        return sasl->method->refuse(sasl);
    return sasl_event(sasl, SASL_EVENT_FAILED, "refused");
}

const struct sasl_claim *sasl_claim(const struct sasl *sasl)
{
    return &sasl->claim;
}

bool sasl_name_is_fine(struct slice name)
{
    return name.len > 0 && name.len <= SASL_NAME_MAX && slice_find(name, '\0') < 0;
}

bool sasl_password_is_fine(struct slice password)
{
    return password.len > 0 && password.len <= SASL_PASSWORD_MAX && slice_find(password, '\0') < 0;
}
