/*
 * What a field that carries a signature says: DKIM-Signature (RFC 6376 section 3.5) and ARC's two
 * (RFC 8617 section 4.1). Read meticulously, as section 6.1.1 asks, and not judged. Pure.
 */
#ifndef NUNCIO_TRUST_DKIM_STAMP_H
#define NUNCIO_TRUST_DKIM_STAMP_H

#include "trust/dkim.h"
#include "trust/dkim_canon.h"
#include "trust/dkim_key.h"
#include "trust/dkim_tags.h"

enum dkim_form {
    DKIM_FORM_SIGNATURE,   /* DKIM-Signature */
    DKIM_FORM_ARC_MESSAGE, /* ARC-Message-Signature: v= is ignored, i= is the instance */
    DKIM_FORM_ARC_SEAL,    /* ARC-Seal: no h=, no bh=, always relaxed */
};

struct dkim_stamp {
    enum dkim_result result; /* DKIM_NONE, or why it cannot be verified, with the problem: */
    const char *problem;     /* NULL, or for people, with no text from outside */
    bool usable;             /* all was read that verifying needs, in spite of the problem */

    struct dkim_tags tags;
    struct slice algorithm;        /* a= as it stands */
    enum dkim_key_kind kind;       /* of a= */
    bool sha1;                     /* rsa-sha1, which is understood and not verified */
    struct slice domain, selector; /* A-labels, lower case */
    struct slice key_name;         /* where the key record is */
    struct slice identity;         /* i=, unquoted; or "@" and the domain */
    struct slice identity_domain;  /* of i=, as domain; A-labels, lower case */
    enum dkim_canon header_canon, body_canon;
    struct slice headers; /* h= */
    uint64_t length;      /* l=, or DKIM_WHOLE */
    struct slice body_hash, signature;
    struct slice b;            /* b= without blanks, in base64 */
    struct slice b_place;      /* a part of the field's value: what is hashed as if it were empty */
    int64_t timestamp, expiry; /* t=, x=; 0: none */
};

/* `value` is a field's value, folded as it is; slices point into it or are from the arena. What was
 * read before a problem was met is set. */
void dkim_stamp_read(enum dkim_form form, struct slice value, struct arena *arena,
                     struct dkim_stamp *ret_stamp);

#endif
