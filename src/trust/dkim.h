/*
 * DKIM signatures (RFC 6376, 8301, 8463) and ARC sets (RFC 8617) of one message, verified while its
 * text goes by: one pass and bounded memory whatever its size and however many signatures it has.
 * Pure, see names.h.
 *
 * The header section is kept (the caller bounds it); of the body there are only digests, one for
 * each different way in which it was signed.
 */
#ifndef NUNCIO_TRUST_DKIM_H
#define NUNCIO_TRUST_DKIM_H

#include "trust/names.h"

/* RFC 8601 section 2.7.1. */
enum dkim_result {
    DKIM_NONE, /* of a message: it is not signed */
    DKIM_PASS,
    DKIM_FAIL,      /* it does not fit */
    DKIM_POLICY,    /* it fits, but is not accepted: weak key, From not signed, expired; or it is
                       rsa-sha1, which is not even tried (RFC 8301) */
    DKIM_NEUTRAL,   /* the signature cannot be understood */
    DKIM_TEMPERROR, /* the key cannot be had now */
    DKIM_PERMERROR, /* no key, a revoked or malformed one, a required tag is missing */
};
const char *dkim_result_name(enum dkim_result result); /* "pass" */

enum {
    DKIM_SIGNATURES_MAX = 10,  /* looked at; the rest is reported as one `policy` */
    DKIM_BODY_HASHES_MAX = 64, /* DKIM's and ARC's together */
    DKIM_HEADER_MAX = 2 << 20, /* bytes of a header section; a larger one is not looked at, and the
                                  message's result is `policy` */
    ARC_SETS_MAX = 50,         /* RFC 8617 section 4.2.1 */
    DKIM_RSA_BITS_MIN = 1024,  /* RFC 8301 section 3.2 */
    DKIM_RSA_BITS_MAX = 8192,
};

/* Of one DKIM-Signature field. Strings are the arena's, and outlive the verifier. */
struct dkim_signature {
    enum dkim_result result;
    struct slice domain;     /* d=, A-labels, lower case */
    struct slice selector;   /* s= */
    struct slice identity;   /* i=, or "@" and the domain */
    struct slice algorithm;  /* a= */
    struct slice b_start;    /* the first eight characters of b=, for header.b (RFC 6008); more when
                                two signatures begin alike */
    unsigned key_bits;       /* of an RSA key, 0: unknown */
    struct slice key_record; /* that decided; or empty */
    struct slice problem;    /* why it does not pass, or what of the body a passing one leaves
                                unsigned, for people; or empty */
    bool testing;            /* t=y in the key record: unless it passes, it counts as none */
    bool strict;             /* t=s: i= must have exactly d= */
    bool has_length;         /* l= */
    uint64_t length, body_size; /* l=, and octets of the canonicalised body: what is beyond l= is
                                   not signed */
    int64_t timestamp, expiry;  /* t=, x=; 0: none */
};

struct dkim_verdict {
    enum dkim_result result;     /* the best of all */
    struct dkim_signature *list; /* in the order of the message, from the top */
    unsigned count;
    unsigned ignored; /* beyond DKIM_SIGNATURES_MAX */
};

/* RFC 8617 section 5.2. */
enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR };
const char *arc_result_name(enum arc_result result);

struct arc_set {
    unsigned instance;
    struct slice sealer;      /* d= of ARC-Seal */
    struct slice signer;      /* d= of ARC-Message-Signature */
    struct slice results;     /* ARC-Authentication-Results behind "i=N;", unfolded */
    struct slice authserv_id; /* of them */
    bool message_fits;        /* its ARC-Message-Signature still verifies */
};
struct arc_verdict {
    enum arc_result result;
    struct arc_set *list; /* by instance, the first at [0]; of ARC_PASS and as far as readable */
    unsigned count;
    unsigned oldest_pass; /* RFC 8617 section 5.2 step 4.B: as in arc.oldest-pass */
    struct slice problem; /* of ARC_FAIL, for people */
};

struct dkim_verifier;
struct dkim_verifier *dkim_verifier_new(void);
void dkim_verifier_free(struct dkim_verifier *verifier); /* NULL is fine */

/* The text in pieces of any size, as it was sent (CRLF), header section first, without fields that
 * we put in front ourselves. */
void dkim_verifier_feed(struct dkim_verifier *verifier, struct slice piece);
/* No more comes. */
void dkim_verifier_end(struct dkim_verifier *verifier);

/* The header section has come, with its empty line. */
bool dkim_verifier_has_header(const struct dkim_verifier *verifier);
/* As it was fed; empty before. */
struct slice dkim_verifier_header(const struct dkim_verifier *verifier);

/* Asks for all keys that will be needed, so that they are under way while the body comes. After
 * dkim_verifier_has_header(). */
void dkim_verifier_prefetch(const struct dkim_verifier *verifier, const struct trust_names *names);

/* After the end; `seconds` is wall time, for x= and t=. 0, or -EAGAIN. */
int dkim_verifier_judge(const struct dkim_verifier *verifier, const struct trust_names *names,
                        int64_t seconds, struct arena *arena, struct dkim_verdict *ret_verdict);
int dkim_verifier_judge_arc(const struct dkim_verifier *verifier, const struct trust_names *names,
                            int64_t seconds, struct arena *arena, struct arc_verdict *ret_verdict);

#endif
