/*
 * See sign.h. What is hashed is what goes out, line ends mended (smtp/dot_stuff.h), so that the
 * signature holds for the bytes that the next server gets.
 *
 * A server without any key pays nothing: no message is hashed for it. Until keys has told for the
 * first time what it has nobody knows which domains have keys; then all mail of local origin waits,
 * and this trouble has no domain.
 *
 * One of two keys that cannot sign leaves the other's signature, with a warning.
 */
#include "relay/sign.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/condition.h"
#include "relay/sign_ask.h"
#include "relay/sign_cache.h"
#include "relay/sign_trouble.h"
#include "smtp/dot_stuff.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct sign {
    struct key_ring *ring;
    struct sign_asks *asks;
    struct sign_cache *cache;
    struct sign_troubles *troubles;
    pthread_mutex_t lock; /* guards `told` */
    pthread_cond_t changed;
    bool told;
    uint64_t begun; /* monotonic */
    atomic_uint_least64_t made, failed, put_off, unsigned_after_all;
    struct histogram seconds;
};

/* One message on its way through. */
struct signing {
    struct sign *sign;
    const struct sign_job *job;
    uint64_t begun_us;
    struct dkim_signer *signer;
    struct key_choice keys[KEY_CHOICES_MAX];
    unsigned n_keys;
    struct sign_ask asks[KEY_CHOICES_MAX];
    struct buf fields[KEY_CHOICES_MAX];
};

struct sign *sign_new(struct role_context *role, struct key_ring *ring)
{
    struct sign *sign = xcalloc(1, sizeof(*sign));

    sign->ring = ring;
    sign->asks = sign_asks_new(role);
    sign->cache = sign_cache_new();
    sign->troubles = sign_troubles_new();
    sign->seconds.bounds = &histogram_short;
    sign->begun = clock_mono_ms();
    pthread_mutex_init(&sign->lock, NULL);
    condition_init(&sign->changed);
    return sign;
}

void sign_free(struct sign *sign)
{
    if (!sign)
        return;
    sign_asks_free(sign->asks);
    sign_cache_free(sign->cache);
    sign_troubles_free(sign->troubles);
    pthread_cond_destroy(&sign->changed);
    pthread_mutex_destroy(&sign->lock);
    free(sign);
}

void sign_keys_told(struct sign *sign)
{
    pthread_mutex_lock(&sign->lock);
    sign->told = true;
    pthread_cond_broadcast(&sign->changed);
    pthread_mutex_unlock(&sign->lock);
    sign_troubles_end(sign->troubles, SLICE_NULL);
}

int sign_take(struct sign *sign, struct slice payload)
{
    return sign_asks_take(sign->asks, payload);
}

void sign_keys_lost(struct sign *sign)
{
    sign_asks_lost(sign->asks);
}

/* The two roles start at the same time: then a moment is worth waiting. */
static bool wait_until_told(struct sign *sign)
{
    uint64_t deadline = sign->begun + SIGN_ASK_MS;
    const struct timespec until = condition_deadline(deadline);
    bool told;

    pthread_mutex_lock(&sign->lock);
    while (!sign->told && pthread_cond_timedwait(&sign->changed, &sign->lock, &until) != ETIMEDOUT)
        continue;
    told = sign->told;
    pthread_mutex_unlock(&sign->lock);
    return told;
}

/* ---- when there is no signature ------------------------------------------------------------- */

static int go_unsigned(const struct signing *signing, struct slice domain, const char *why)
{
    struct message_id_text id = message_id_format(signing->job->message_id);

    log_debug(NULL, "not-signed", LOG_STR("message", id.text), LOG_SLICE("domain", domain),
              LOG_STR("why", why));
    return SIGN_GO;
}

/* The message waits, unless others of its domain have waited for too long already. */
static int put_off(const struct signing *signing, struct slice domain, const char *why,
                   const char **ret_why)
{
    struct sign *sign = signing->sign;
    struct message_id_text id = message_id_format(signing->job->message_id);
    uint64_t now = clock_mono_ms();
    uint64_t since = sign_troubles_note(sign->troubles, domain, now);

    if (now - since < SIGN_WAIT_MS) {
        atomic_fetch_add(&sign->put_off, 1);
        *ret_why = why;
        return SIGN_LATER;
    }
    atomic_fetch_add(&sign->unsigned_after_all, 1);
    log_warn(NULL, "sent-unsigned", LOG_STR("message", id.text), LOG_SLICE("domain", domain),
             LOG_STR("why", why), LOG_INT("waited", (now - since) / 1000));
    return SIGN_GO;
}

/* ---- the text ------------------------------------------------------------------------------- */

static int hash_text(struct signing *signing)
{
    struct text *text = signing->job->text;
    struct buf *out = signing->job->scratch;
    struct dot_stuff stuff;
    struct slice piece;
    int r = 0;

    dot_stuff_init(&stuff, false);
    text_rewind(text, SLICE_NULL, signing->job->reencoded);
    while (r == 0 && !text_at_end(text)) {
        r = text_next(text, &piece);
        buf_reset(out);
        if (r == 0)
            dot_stuff_add(&stuff, piece, out);
        dkim_signer_feed(signing->signer, buf_slice(out));
    }
    buf_reset(out);
    dot_stuff_end(&stuff, out);
    dkim_signer_feed(signing->signer, buf_slice(out));
    buf_reset(out);
    return r;
}

/* ---- the signatures ------------------------------------------------------------------------- */

static void begin_field(struct signing *signing, unsigned i)
{
    const struct key_choice *key = &signing->keys[i];
    struct dkim_signing how = {.kind = key->kind,
                               .domain = slice_from_cstr(key->domain),
                               .selector = slice_from_cstr(key->selector),
                               .seconds = (int64_t)(clock_wall_ms() / 1000)};

    buf_init(&signing->fields[i], SIGN_FIELD_MAX);
    signing->asks[i] = (struct sign_ask){.domain = how.domain, .selector = how.selector};
    dkim_signer_field(signing->signer, &how, &signing->fields[i], signing->asks[i].digest);
}

static void log_signed(const struct signing *signing, struct slice selectors)
{
    struct message_id_text id = message_id_format(signing->job->message_id);
    uint64_t us = clock_mono_us() - signing->begun_us;

    histogram_add_us(&signing->sign->seconds, us);
    atomic_fetch_add(&signing->sign->made, 1);
    log_info(NULL, "signed", LOG_STR("message", id.text),
             LOG_STR("domain", signing->keys[0].domain), LOG_SLICE("selectors", selectors),
             LOG_INT("ms", us / 1000));
}

static void log_refused(const struct signing *signing, unsigned i)
{
    struct message_id_text id = message_id_format(signing->job->message_id);

    atomic_fetch_add(&signing->sign->failed, 1);
    log_warn(NULL, "key-does-not-sign", LOG_STR("message", id.text),
             LOG_STR("domain", signing->keys[i].domain),
             LOG_STR("selector", signing->keys[i].selector));
}

/* The fields of those keys that have signed; none: false. */
static bool finish_fields(struct signing *signing, struct slice *ret_fields)
{
    struct buf all, selectors;

    buf_init(&all, KEY_CHOICES_MAX * SIGN_FIELD_MAX);
    buf_init(&selectors, SIGN_FIELD_MAX);
    for (unsigned i = 0; i < signing->n_keys; i++) {
        const struct sign_ask *ask = &signing->asks[i];
        if (!ask->answered || ask->length == 0) {
            log_refused(signing, i);
            continue;
        }
        dkim_signer_finish(&signing->fields[i], slice_from(ask->signature, ask->length));
        buf_add_slice(&all, buf_slice(&signing->fields[i]));
        buf_printf(&selectors, "%s%s", selectors.len ? "," : "", signing->keys[i].selector);
    }
    *ret_fields = arena_dup(signing->job->arena, buf_slice(&all));
    if (all.len)
        log_signed(signing, buf_slice(&selectors));
    buf_done(&all);
    buf_done(&selectors);
    return ret_fields->len > 0;
}

static const char *why_not(int error)
{
    switch (error) {
    case 0:
        return "its keys do not sign";
    case -ETIMEDOUT:
        return "the keys role does not answer in time";
    case -ENOTCONN:
        return "the keys role is away";
    default:
        return "the keys role cannot be asked";
    }
}

static int ask_keys(struct signing *signing, struct slice *ret_fields, const char **ret_why)
{
    struct slice domain = slice_from_cstr(signing->keys[0].domain);
    int r = sign_asks_wait(signing->sign->asks, signing->asks, signing->n_keys,
                           clock_mono_ms() + SIGN_ASK_MS);

    if (r < 0 || !finish_fields(signing, ret_fields))
        return put_off(signing, domain, why_not(r), ret_why);
    sign_troubles_end(signing->sign->troubles, domain);
    return SIGN_GO;
}

static int sign_by_keys(struct signing *signing, struct slice *ret_fields, const char **ret_why)
{
    bool fit = true;
    int r;

    for (unsigned i = 0; i < signing->n_keys; i++) {
        begin_field(signing, i);
        fit = fit && !signing->fields[i].overflow;
    }
    if (fit)
        r = ask_keys(signing, ret_fields, ret_why);
    else
        r = go_unsigned(signing, slice_from_cstr(signing->keys[0].domain),
                        "its header has more fields than a signature can name");
    for (unsigned i = 0; i < signing->n_keys; i++)
        buf_done(&signing->fields[i]);
    return r;
}

static int sign_author(struct signing *signing, struct slice *ret_fields, const char **ret_why)
{
    struct slice author;
    int r = hash_text(signing);

    if (r < 0)
        return r;
    if (!dkim_signer_end(signing->signer))
        return go_unsigned(signing, SLICE_NULL,
                           "its header has no single From, or is too long to sign");
    author = dkim_signer_author(signing->signer);
    signing->n_keys =
        key_ring_choose(signing->sign->ring, signing->job->config, author, signing->keys);
    if (signing->n_keys == 0)
        return go_unsigned(signing, author, "no key is in use for its domain");
    return sign_by_keys(signing, ret_fields, ret_why);
}

static int make_fields(struct sign *sign, const struct sign_job *job, struct slice *ret_fields,
                       const char **ret_why)
{
    struct signing signing = {.sign = sign, .job = job, .begun_us = clock_mono_us()};
    int r;

    signing.signer = dkim_signer_new();
    r = sign_author(&signing, ret_fields, ret_why);
    dkim_signer_free(signing.signer);
    return r;
}

int sign_message(struct sign *sign, const struct sign_job *job, struct slice *ret_fields,
                 const char **ret_why)
{
    const struct signing none = {.sign = sign, .job = job};
    uint64_t deadline = clock_mono_ms() + SIGN_ASK_MS;
    int r;

    *ret_fields = SLICE_NULL;
    if (!wait_until_told(sign))
        return put_off(&none, SLICE_NULL, "the keys role has not told its keys yet", ret_why);
    if (key_ring_numbers(sign->ring).seen == 0)
        return SIGN_GO;
    if (job->reencoded)
        return make_fields(sign, job, ret_fields, ret_why);
    if (sign_cache_find(sign->cache, job->message_id, deadline, job->arena, ret_fields))
        return SIGN_GO;
    r = make_fields(sign, job, ret_fields, ret_why);
    sign_cache_keep(sign->cache, job->message_id, *ret_fields);
    return r;
}

void sign_metrics(struct sign *sign, struct exposition *exposition)
{
    static const char name[] = "nuncio_signatures_total";
    static const char help[] =
        "Messages of local origin whose domain has keys: signed, put off for "
        "want of a signature, sent without one after all.";

    exposition_counter(exposition, name, help, "result=\"signed\"", atomic_load(&sign->made));
    exposition_counter(exposition, name, help, "result=\"put_off\"", atomic_load(&sign->put_off));
    exposition_counter(exposition, name, help, "result=\"unsigned\"",
                       atomic_load(&sign->unsigned_after_all));
    exposition_counter(exposition, "nuncio_signature_failures_total",
                       "Signatures that keys could not make.", NULL, atomic_load(&sign->failed));
    exposition_histogram(exposition, "nuncio_signature_seconds",
                         "From the text to its signatures: hashing, and what keys takes.", NULL,
                         &sign->seconds);
}
