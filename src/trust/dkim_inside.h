/*
 * The verifier from inside: what ARC's chain validation (trust/arc*.c) needs of it, beside
 * dkim_fields.h, dkim_stamp.h and dkim_proof.h. Nobody else includes it.
 *
 * How a chain is validated with it, after dkim_verifier_end():
 *
 *   struct dkim_fields *fields   dkim_verifier_fields(): walk them, read what is ARC's with
 *                                dkim_stamp_read(DKIM_FORM_ARC_..., field.value, ...). i= and cv=
 * are in stamp.tags; RFC 8617 forbids h= in a seal: look into the tags. dkim_proof_ask() for all
 * seals and signatures that are usable, before anything else dkim_verifier_message_fits() an
 * ARC-Message-Signature (or DKIM-Signature): body and header dkim_fields_add_self() and   an
 * ARC-Seal: put the canonical text of the sets in front dkim_proof_try()
 * (dkim_canon_field(DKIM_RELAXED, field.raw, &text)), its own field with
 * dkim_fields_add_self(DKIM_RELAXED, raw, stamp.b_place, &text), dkim_hash_of() all of it, and try
 *
 * The body hashes of all ARC-Message-Signature fields (as far as DKIM_BODY_HASHES_MAX goes) were
 * asked for when the header section was whole; nothing needs to be done for them.
 */
#ifndef NUNCIO_TRUST_DKIM_INSIDE_H
#define NUNCIO_TRUST_DKIM_INSIDE_H

#include "trust/dkim_fields.h"
#include "trust/dkim_proof.h"

/* Fields of the message; NULL before the header section is whole, or when it is above
 * DKIM_HEADER_MAX. */
const struct dkim_fields *dkim_verifier_fields(const struct dkim_verifier *verifier);

/* Does the message fit a usable stamp, read from the field with the number `self`? 0 with the proof
 * (see dkim_proof_try(); DKIM_FAIL too when the body was changed, DKIM_PERMERROR when it is shorter
 * than l=), or -EAGAIN. */
int dkim_verifier_message_fits(const struct dkim_verifier *verifier, const struct dkim_stamp *stamp,
                               unsigned self, const struct trust_names *names, struct arena *arena,
                               struct dkim_proof *ret_proof);

#endif
