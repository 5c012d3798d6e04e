/*
 * What became of the DKIM signatures of a message. See dkim.h.
 *
 * All keys are asked for before anything is decided, so they are under way at the same time, and a
 * message costs its operations with keys only once: at most DKIM_PROOF_TRIES for each of
 * DKIM_SIGNATURES_MAX signatures.
 *
 * The order of RFC 6376 section 6.1.3 is kept where it shows: a body that was changed is told
 * before a header that was changed. x= is held against the time without any grace; a t= in the
 * future, which verifiers may ignore, is one for clocks that are more than an hour wrong.
 */
#include "trust/dkim_verifier.h"

#include "trust/dkim_hash.h"

#include <errno.h>

enum { CLOCK_GRACE_S = 3600, B_START = 8 };

const char *dkim_result_name(enum dkim_result result)
{
    static const char *const names[] = {
        [DKIM_NONE] = "none",           [DKIM_PASS] = "pass",       [DKIM_FAIL] = "fail",
        [DKIM_POLICY] = "policy",       [DKIM_NEUTRAL] = "neutral", [DKIM_TEMPERROR] = "temperror",
        [DKIM_PERMERROR] = "permerror",
    };

    return names[result];
}

/* ---- one signature -------------------------------------------------------------------------- */

static void digest_header(const struct dkim_verifier *verifier, const struct dkim_stamp *stamp,
                          unsigned self, uint8_t ret_digest[DKIM_HASH])
{
    struct buf text;

    buf_init(&text, 3 * (size_t)DKIM_HEADER_MAX);
    dkim_fields_select(verifier->fields, stamp->headers, self, stamp->header_canon, &text);
    dkim_fields_add_self(stamp->header_canon, dkim_fields_at(verifier->fields, self).raw,
                         stamp->b_place, &text);
    dkim_hash_of(buf_slice(&text), ret_digest);
    buf_done(&text);
}

int dkim_verifier_message_fits(const struct dkim_verifier *verifier, const struct dkim_stamp *stamp,
                               unsigned self, const struct trust_names *names, struct arena *arena,
                               struct dkim_proof *ret_proof)
{
    const uint8_t *body = dkim_body_hash(verifier->body, stamp->body_canon, stamp->length);
    bool changed = !body || !slice_eq(slice_from(body, DKIM_HASH), stamp->body_hash);
    uint8_t digest[DKIM_HASH];
    int r;

    if (!changed)
        digest_header(verifier, stamp, self, digest);
    r = dkim_proof_try(stamp, changed ? NULL : digest, names, arena, ret_proof);
    if (r < 0 || !changed || ret_proof->result != DKIM_FAIL)
        return r;
    ret_proof->problem = SLICE("the body was changed");
    if (!body) {
        ret_proof->result = DKIM_PERMERROR;
        ret_proof->problem = SLICE("the body is shorter than what was signed of it (l=)");
    }
    return 0;
}

/* What a signature that fits may still be refused for. */
static const char *why_not_accepted(const struct dkim_stamp *stamp, int64_t seconds)
{
    if (stamp->problem)
        return stamp->problem;
    if (stamp->expiry && stamp->expiry < seconds)
        return "it has expired (x=)";
    if (stamp->timestamp > seconds + CLOCK_GRACE_S)
        return "it was made in the future (t=)";
    return NULL;
}

static void describe(const struct dkim_verifier *verifier, const struct dkim_stamp *stamp,
                     struct arena *arena, struct dkim_signature *signature)
{
    signature->domain = arena_dup(arena, stamp->domain);
    signature->selector = arena_dup(arena, stamp->selector);
    signature->identity = arena_dup(arena, stamp->identity);
    signature->algorithm = arena_dup(arena, stamp->algorithm);
    signature->b_start = arena_dup(arena, stamp->b);
    signature->has_length = stamp->length != DKIM_WHOLE;
    signature->length = signature->has_length ? stamp->length : 0;
    signature->body_size = dkim_body_size(verifier->body, stamp->body_canon);
    signature->timestamp = stamp->timestamp;
    signature->expiry = stamp->expiry;
}

/* Octets behind l= can be anybody's: RFC 6376 section 8.2. */
static struct slice what_is_open(const struct dkim_signature *signature, struct arena *arena)
{
    if (!signature->has_length || signature->length >= signature->body_size)
        return SLICE_NULL;
    return arena_printf(arena, "the last %llu octets of the body are not signed (l=)",
                        (unsigned long long)(signature->body_size - signature->length));
}

static int judge_one(const struct dkim_verifier *verifier, const struct dkim_stamp *stamp,
                     unsigned self, const struct trust_names *names, int64_t seconds,
                     struct arena *arena, struct dkim_signature *signature)
{
    struct dkim_proof proof;
    const char *refused = why_not_accepted(stamp, seconds);
    int r;

    describe(verifier, stamp, arena, signature);
    signature->result = stamp->result;
    signature->problem = slice_from_cstr(stamp->problem);
    if (!stamp->usable)
        return 0;
    r = dkim_verifier_message_fits(verifier, stamp, self, names, arena, &proof);
    if (r < 0)
        return r;
    signature->key_bits = proof.key_bits;
    signature->key_record = arena_dup(arena, proof.key_record);
    signature->testing = proof.testing;
    signature->strict = proof.strict;
    signature->result = proof.result;
    signature->problem = proof.problem;
    if (refused && proof.result == DKIM_PASS) {
        signature->result = DKIM_POLICY;
        signature->problem = slice_from_cstr(refused);
    } else if (proof.result == DKIM_PASS) {
        signature->problem = what_is_open(signature, arena);
    }
    return 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static unsigned n_looked_at(const struct dkim_verifier *verifier)
{
    return verifier->n_signatures < DKIM_SIGNATURES_MAX ? verifier->n_signatures
                                                        : DKIM_SIGNATURES_MAX;
}

static int ask_for_keys(const struct dkim_found *found, unsigned n, const struct trust_names *names)
{
    int r = 0;

    for (unsigned i = 0; i < n; i++) {
        if (found[i].stamp.usable && dkim_proof_ask(&found[i].stamp, names) < 0)
            r = -EAGAIN;
    }
    return r;
}

void dkim_verifier_prefetch(const struct dkim_verifier *verifier, const struct trust_names *names)
{
    struct dkim_stamp stamp;
    struct arena arena;

    arena_init(&arena);
    ask_for_keys(verifier->found, n_looked_at(verifier), names);
    for (unsigned i = 0; verifier->fields && i < dkim_fields_count(verifier->fields); i++) {
        struct header_field field = dkim_fields_at(verifier->fields, i);
        enum dkim_form form;
        if (!dkim_form_of(field.name, &form) || form == DKIM_FORM_SIGNATURE)
            continue;
        dkim_stamp_read(form, field.value, &arena, &stamp);
        if (stamp.usable)
            dkim_proof_ask(&stamp, names);
        arena_reset(&arena);
    }
    arena_done(&arena);
}

/* Eight characters of b=, or as many as tell it from the others (RFC 6008 section 3). */
static void shorten_b(struct dkim_verdict *verdict)
{
    size_t lens[DKIM_SIGNATURES_MAX];

    for (unsigned i = 0; i < verdict->count; i++) {
        struct slice b = verdict->list[i].b_start;
        lens[i] = B_START < b.len ? B_START : b.len;
        for (unsigned j = 0; j < verdict->count; j++) {
            struct slice other = verdict->list[j].b_start;
            size_t same = 0;
            while (j != i && same < b.len && same < other.len && b.ptr[same] == other.ptr[same])
                same++;
            if (same >= lens[i] && same < b.len && same < other.len)
                lens[i] = same + 1;
        }
    }
    for (unsigned i = 0; i < verdict->count; i++)
        verdict->list[i].b_start.len = lens[i];
}

/* t=y takes nothing from a signature that passes: it says that mail with one that fails is to be
 * treated as if it were not signed (RFC 6376 section 3.6.1). */
static bool counts(const struct dkim_signature *signature)
{
    return signature->result == DKIM_PASS || !signature->testing;
}

static enum dkim_result best_of(const struct dkim_verdict *verdict)
{
    static const enum dkim_result order[] = {DKIM_PASS, DKIM_TEMPERROR, DKIM_POLICY,
                                             DKIM_FAIL, DKIM_NEUTRAL,   DKIM_PERMERROR};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        for (unsigned j = 0; j < verdict->count; j++) {
            if (verdict->list[j].result == order[i] && counts(&verdict->list[j]))
                return order[i];
        }
    }
    return verdict->ignored ? DKIM_POLICY : DKIM_NONE;
}

int dkim_verifier_judge(const struct dkim_verifier *verifier, const struct trust_names *names,
                        int64_t seconds, struct arena *arena, struct dkim_verdict *ret_verdict)
{
    struct dkim_verdict verdict = {.result = DKIM_NONE};
    const struct dkim_found *found = verifier->found;

    verdict.count = n_looked_at(verifier);
    verdict.ignored = verifier->n_signatures - verdict.count;
    verdict.list = arena_alloc(arena, (verdict.count + 1) * sizeof(*verdict.list));
    if (ask_for_keys(found, verdict.count, names) < 0)
        return -EAGAIN;
    for (unsigned i = 0; i < verdict.count; i++) {
        int r = judge_one(verifier, &found[i].stamp, found[i].field, names, seconds, arena,
                          &verdict.list[i]);
        if (r < 0)
            return r;
    }
    shorten_b(&verdict);
    verdict.result = verifier->fields ? best_of(&verdict) : DKIM_POLICY;
    *ret_verdict = verdict;
    return 0;
}
