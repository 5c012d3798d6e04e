/*
 * Whether a signature fits: its key fetched from the DNS, and one operation with it (RFC 6376
 * section 6.1.2 and the last step of 6.1.3). For DKIM and ARC. Pure.
 */
#ifndef NUNCIO_TRUST_DKIM_PROOF_H
#define NUNCIO_TRUST_DKIM_PROOF_H

#include "trust/dkim_stamp.h"
#include "trust/names.h"

struct dkim_proof {
    enum dkim_result result; /* DKIM_PASS, FAIL, POLICY (weak key), TEMPERROR, PERMERROR */
    struct slice problem;    /* for people; empty when it passes */
    struct slice key_record; /* that decided; or empty */
    unsigned key_bits;       /* of an RSA key */
    bool testing, strict;
};

/* Asks for the key and forgets the answer: 0 or -EAGAIN. Only of a stamp that is usable. */
int dkim_proof_ask(const struct dkim_stamp *stamp, const struct trust_names *names);

/* Is the signature one of this digest (SHA-256)? -EAGAIN when the key is not there yet. Of several
 * records at the name, which the RFC leaves undefined, at most DKIM_PROOF_TRIES that could fit are
 * tried. Without a digest (NULL) it is known already that nothing fits, and only a key is looked
 * for: DKIM_FAIL when there is one. */
int dkim_proof_try(const struct dkim_stamp *stamp, const uint8_t *digest,
                   const struct trust_names *names, struct arena *arena,
                   struct dkim_proof *ret_proof);
enum { DKIM_PROOF_TRIES = 2 };

#endif
