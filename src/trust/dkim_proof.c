/*
 * Keys and signatures. See dkim_proof.h.
 *
 * Records are tried in the order of the answer until one proves the signature; if none does, what
 * is told is the one that came farthest, so that a wildcard's SPF record beside a key does not hide
 * what is wrong with the key. Only those of the right kind cost an operation, and only a few.
 */
#include "trust/dkim_proof.h"

#include "trust/dkim_key_memory.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

int dkim_proof_ask(const struct dkim_stamp *stamp, const struct trust_names *names)
{
    const struct trust_answer *answer;

    return trust_ask(names, stamp->key_name, TRUST_TXT, &answer);
}

static bool rsa_fits(EVP_PKEY *key, struct slice signature, const uint8_t *digest)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool fits = context && EVP_PKEY_verify_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
                EVP_PKEY_verify(context, (const unsigned char *)signature.ptr, signature.len,
                                digest, 32) == 1;

    EVP_PKEY_CTX_free(context);
    return fits;
}

/* RFC 8463 section 3: the digest is what is signed, as a message. */
static bool ed25519_fits(EVP_PKEY *key, struct slice signature, const uint8_t *digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fits = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(context, (const unsigned char *)signature.ptr, signature.len,
                                 digest, 32) == 1;

    EVP_MD_CTX_free(context);
    return fits;
}

/* The first thing that keeps this key from being used for this signature, in the order of section
 * 6.1.2; or NULL. */
static const char *why_not(const struct dkim_stamp *stamp, const struct dkim_key *key)
{
    if (!(stamp->sha1 ? key->sha1 : key->sha256))
        return "the key is not for this hash (h= in the key record)";
    if (key->data.len == 0)
        return "the key was revoked (p= is empty)";
    if (key->kind != stamp->kind)
        return "the key is of another kind than the signature";
    if (!key->email)
        return "the key is not for mail (s= in the key record)";
    return NULL;
}

static void say(struct dkim_proof *proof, enum dkim_result result, const char *problem)
{
    proof->result = result;
    proof->problem = slice_from_cstr(problem);
}

/* Uses the key: PASS, FAIL, POLICY, or PERMERROR when it is none. */
static void use_key(const struct dkim_stamp *stamp, const uint8_t *digest,
                    const struct dkim_key *key, struct dkim_proof *proof)
{
    EVP_PKEY *loaded = dkim_key_recall(key);
    bool fits;

    if (!loaded) {
        say(proof, DKIM_PERMERROR, "the key (p= in the key record) is damaged");
        return;
    }
    if (key->kind == DKIM_KEY_RSA)
        proof->key_bits = (unsigned)EVP_PKEY_get_bits(loaded);
    fits = digest && (key->kind == DKIM_KEY_RSA ? rsa_fits(loaded, stamp->signature, digest)
                                                : ed25519_fits(loaded, stamp->signature, digest));
    EVP_PKEY_free(loaded);
    ERR_clear_error();
    if (!fits)
        say(proof, DKIM_FAIL, "the signature does not fit: a signed field was changed");
    else if (key->kind == DKIM_KEY_RSA && proof->key_bits < DKIM_RSA_BITS_MIN)
        say(proof, DKIM_POLICY, "the key has fewer than 1024 bits");
    else if (key->strict && !slice_eq(stamp->identity_domain, stamp->domain))
        say(proof, DKIM_PERMERROR, "the key is not for subdomains (t=s), and i= is in one");
    else
        say(proof, DKIM_PASS, "");
}

/* One record, and how far it came: what of several records is told. */
struct trial {
    struct dkim_proof proof;
    enum { MALFORMED, UNSUITABLE, USED, PROVED } came_to;
};

static struct trial try_record(const struct dkim_stamp *stamp, const uint8_t *digest,
                               struct slice record, unsigned *tries, struct arena *arena)
{
    struct trial trial = {.proof.key_record = record, .came_to = MALFORMED};
    struct dkim_proof *proof = &trial.proof;
    struct dkim_key key;
    const char *wrong = dkim_key_read(record, arena, &key);

    if (wrong) {
        proof->result = DKIM_PERMERROR;
        proof->problem = arena_printf(arena, "the key record is malformed: %s", wrong);
        return trial;
    }
    proof->testing = key.testing;
    proof->strict = key.strict;
    trial.came_to = UNSUITABLE;
    wrong = why_not(stamp, &key);
    if (!wrong && *tries == 0)
        wrong = "there are too many key records";
    if (wrong) {
        say(proof, DKIM_PERMERROR, wrong);
        return trial;
    }
    --*tries;
    use_key(stamp, digest, &key, proof);
    trial.came_to = proof->result == DKIM_PASS ? PROVED : USED;
    return trial;
}

static void try_records(const struct dkim_stamp *stamp, const uint8_t *digest,
                        const struct trust_answer *answer, struct arena *arena,
                        struct dkim_proof *ret_proof)
{
    struct trial best = {.came_to = MALFORMED};
    unsigned tries = DKIM_PROOF_TRIES;

    for (unsigned i = 0; i < answer->n_records && best.came_to != PROVED; i++) {
        struct trial trial = try_record(stamp, digest, answer->records[i].bytes, &tries, arena);
        if (i == 0 || trial.came_to > best.came_to)
            best = trial;
    }
    *ret_proof = best.proof;
}

int dkim_proof_try(const struct dkim_stamp *stamp, const uint8_t *digest,
                   const struct trust_names *names, struct arena *arena,
                   struct dkim_proof *ret_proof)
{
    const struct trust_answer *answer;
    int r = trust_ask(names, stamp->key_name, TRUST_TXT, &answer);

    if (r < 0)
        return r;
    *ret_proof = (struct dkim_proof){.result = DKIM_PERMERROR};
    if (answer->result == TRUST_FAILED) {
        ret_proof->result = DKIM_TEMPERROR;
        ret_proof->problem = arena_printf(arena, "the key cannot be looked up now%s%.*s",
                                          answer->why.len ? ": " : "", SLICE_ARG(answer->why));
    } else if (answer->result != TRUST_FOUND || answer->n_records == 0) {
        ret_proof->problem =
            arena_printf(arena, "there is no key at %.*s", SLICE_ARG(stamp->key_name));
    } else {
        try_records(stamp, digest, answer, arena, ret_proof);
    }
    return 0;
}
