/*
 * Validating a chain of ARC sets (RFC 8617 section 5.2). See dkim.h.
 *
 * When the sets make a chain, all keys are asked for first and nothing is computed before they are
 * there. Then, with 50 sets as well as with one: the newest ARC-Message-Signature must fit the
 * message, every seal must fit the sets up to it; how far back the older signatures still fit is
 * told as oldest-pass and breaks nothing. Each seal signs what the one before it has signed and its
 * own set, so one hash goes over all of them, with a copy finished at each seal.
 *
 * A signature that covers an ARC-Seal is refused, since a later seal would break it (section
 * 4.1.2). That it covers ARC's other fields is against the RFC too, but was not in its drafts, and
 * does no harm.
 *
 * Section 5.2.1 makes every failure of the DNS a broken chain; here it is ARC_TEMPERROR, so that a
 * message may wait for the answer. Where it is written down (trust/authres) it is "fail". No chain
 * is sealed here: ARC is on its way to Historic.
 */
#include "trust/arc_sets.h"

#include "trust/authres.h"
#include "trust/dkim_hash.h"

#include <errno.h>
#include <openssl/evp.h>

enum { DIGEST = 32 };

struct chain {
    const struct dkim_verifier *verifier;
    const struct trust_names *names;
    int64_t seconds;
    struct arena *arena;
    struct arc_sets sets;
    uint8_t (*digests)[DIGEST]; /* of each seal */
    struct arc_verdict *verdict;
};

const char *arc_result_name(enum arc_result result)
{
    static const char *const names[] = {"none", "pass", "fail", "temperror"};
    return names[result];
}

/* A definite failure stays; one of the DNS is told when there is no other. */
static void fail(struct chain *chain, enum arc_result result, struct slice problem)
{
    if (chain->verdict->result == ARC_FAIL || chain->verdict->result == result)
        return;
    chain->verdict->result = result;
    chain->verdict->problem = problem;
}

/* ---- what is there -------------------------------------------------------------------------- */

static void describe_set(struct chain *chain, unsigned i)
{
    const struct arc_parts *parts = &chain->sets.list[i];
    struct arc_set *set = &chain->verdict->list[i];

    set->instance = i + 1;
    if (parts->seal.stamp)
        set->sealer = parts->seal.stamp->domain;
    if (parts->signature.stamp)
        set->signer = parts->signature.stamp->domain;
    if (parts->payload.len) {
        set->results = header_unfold(chain->arena, parts->payload);
        set->authserv_id = authres_id(set->results, chain->arena);
    }
}

static int ask_keys(const struct chain *chain)
{
    int waiting = 0;

    for (unsigned i = 0; i < chain->sets.count; i++) {
        const struct arc_parts *parts = &chain->sets.list[i];
        if (parts->seal.stamp->usable && dkim_proof_ask(parts->seal.stamp, chain->names) < 0)
            waiting = -EAGAIN;
        if (parts->signature.stamp->usable &&
            dkim_proof_ask(parts->signature.stamp, chain->names) < 0)
            waiting = -EAGAIN;
    }
    return waiting;
}

/* ---- signatures of the message -------------------------------------------------------------- */

static bool has_name(struct slice names, struct slice name)
{
    while (names.ptr) {
        if (slice_eq_nocase(dkim_list_cut(&names), name))
            return true;
    }
    return false;
}

/* Why a stamp cannot be tried at all; or NULL. */
static const char *unfit(const struct dkim_stamp *stamp)
{
    return stamp->usable ? NULL : stamp->problem;
}

/* The same of a signature, which has the semantics of DKIM's (section 4.1.2). */
static const char *unfit_signature(const struct chain *chain, const struct dkim_stamp *stamp)
{
    if (unfit(stamp))
        return unfit(stamp);
    if (!has_name(stamp->headers, SLICE("From")))
        return "it does not sign the field From";
    if (has_name(stamp->headers, SLICE("ARC-Seal")))
        return "it signs ARC-Seal fields";
    return stamp->expiry && stamp->expiry <= chain->seconds ? "it has expired" : NULL;
}

static int try_signature(const struct chain *chain, unsigned i, struct dkim_proof *ret_proof)
{
    const struct arc_field *field = &chain->sets.list[i].signature;
    const char *problem = unfit_signature(chain, field->stamp);

    if (problem) {
        *ret_proof =
            (struct dkim_proof){.result = DKIM_PERMERROR, .problem = slice_from_cstr(problem)};
        return 0;
    }
    return dkim_verifier_message_fits(chain->verifier, field->stamp, field->number, chain->names,
                                      chain->arena, ret_proof);
}

/* Steps 4 and 5: from the newest on, as long as they fit. */
static int judge_signatures(struct chain *chain)
{
    struct dkim_proof proof = {.result = DKIM_PASS};
    unsigned i = chain->sets.count;

    while (i > 0 && proof.result == DKIM_PASS) {
        int r = try_signature(chain, --i, &proof);
        if (r < 0)
            return r;
        chain->verdict->list[i].message_fits = proof.result == DKIM_PASS;
    }
    if (proof.result == DKIM_PASS)
        return 0;
    if (i + 1 < chain->sets.count)
        chain->verdict->oldest_pass = i + 2;
    else
        fail(chain, proof.result == DKIM_TEMPERROR ? ARC_TEMPERROR : ARC_FAIL,
             arena_printf(chain->arena, "the message does not fit the signature of set %u: %.*s",
                          i + 1, SLICE_ARG(proof.problem)));
    return 0;
}

/* ---- seals ---------------------------------------------------------------------------------- */

static void add_field(EVP_MD_CTX *hash, struct slice raw, struct buf *text)
{
    buf_reset(text);
    dkim_canon_field(DKIM_RELAXED, raw, text);
    dkim_hash_add(hash, buf_slice(text));
}

/* Section 5.1.1: sets in increasing order, of each its results, signature and seal. */
static void hash_sets(struct chain *chain)
{
    EVP_MD_CTX *hash = dkim_hash_new(), *copy = dkim_hash_new(), *spare = dkim_hash_new();
    struct buf text;

    chain->digests = arena_alloc(chain->arena, chain->sets.count * sizeof(*chain->digests));
    buf_init(&text, SIZE_MAX);
    for (unsigned i = 0; i < chain->sets.count; i++) {
        const struct arc_parts *parts = &chain->sets.list[i];
        add_field(hash, parts->results.raw, &text);
        add_field(hash, parts->signature.raw, &text);
        if (EVP_MD_CTX_copy_ex(copy, hash) != 1)
            abort();
        buf_reset(&text);
        dkim_fields_add_self(DKIM_RELAXED, parts->seal.raw, parts->seal.stamp->b_place, &text);
        dkim_hash_add(copy, buf_slice(&text));
        dkim_hash_peek(copy, spare, chain->digests[i]);
        add_field(hash, parts->seal.raw, &text);
    }
    buf_done(&text);
    EVP_MD_CTX_free(hash);
    EVP_MD_CTX_free(copy);
    EVP_MD_CTX_free(spare);
}

static int judge_seal(struct chain *chain, unsigned i)
{
    const struct dkim_stamp *stamp = chain->sets.list[i].seal.stamp;
    const char *problem = unfit(stamp);
    struct dkim_proof proof = {.result = DKIM_PERMERROR, .problem = slice_from_cstr(problem)};
    int r =
        problem ? 0 : dkim_proof_try(stamp, chain->digests[i], chain->names, chain->arena, &proof);

    if (r < 0)
        return r;
    if (proof.result != DKIM_PASS)
        fail(chain, proof.result == DKIM_TEMPERROR ? ARC_TEMPERROR : ARC_FAIL,
             arena_printf(chain->arena, "the seal of set %u does not hold: %.*s", i + 1,
                          SLICE_ARG(proof.problem)));
    return 0;
}

/* Step 6. */
static int judge_seals(struct chain *chain)
{
    hash_sets(chain);
    for (unsigned i = chain->sets.count; i-- > 0 && chain->verdict->result != ARC_FAIL;) {
        int r = judge_seal(chain, i);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the chain ------------------------------------------------------------------------------ */

static int judge_chain(struct chain *chain)
{
    int r = ask_keys(chain);

    if (r < 0)
        return r;
    chain->verdict->result = ARC_PASS;
    r = judge_signatures(chain);
    if (r == 0 && chain->verdict->result != ARC_FAIL)
        r = judge_seals(chain);
    return r;
}

int dkim_verifier_judge_arc(const struct dkim_verifier *verifier, const struct trust_names *names,
                            int64_t seconds, struct arena *arena, struct arc_verdict *ret_verdict)
{
    const struct dkim_fields *fields = dkim_verifier_fields(verifier);
    struct arc_verdict verdict = {.result = ARC_NONE};
    struct chain chain = {.verifier = verifier,
                          .names = names,
                          .seconds = seconds,
                          .arena = arena,
                          .verdict = &verdict};
    int r = 0;

    if (fields) {
        arc_sets_gather(fields, arena, &chain.sets);
        verdict.count = chain.sets.count;
        verdict.list = arena_alloc(arena, verdict.count * sizeof(*verdict.list));
        for (unsigned i = 0; i < verdict.count; i++)
            describe_set(&chain, i);
    }
    if (chain.sets.problem.len)
        fail(&chain, ARC_FAIL, chain.sets.problem);
    else if (chain.sets.count)
        r = judge_chain(&chain);
    if (r == 0)
        *ret_verdict = verdict;
    return r;
}
