/*
 * Making DKIM signatures (RFC 6376 section 5) without a private key: the text is hashed here, and
 * somebody else signs the digest (RSASSA-PKCS1-v1_5 of a SHA-256 digest; Ed25519 of the digest as
 * a message, RFC 8463 section 3). Pure.
 *
 * relaxed/relaxed; no l=; the fields of section 5.4.1 that are there, From and its like once more
 * than they are there (oversigning), so that none can be added.
 */
#ifndef NUNCIO_TRUST_DKIM_SIGN_H
#define NUNCIO_TRUST_DKIM_SIGN_H

#include "base/arena.h"
#include "base/buf.h"
#include "trust/dkim_key.h"

enum { DKIM_DIGEST = 32 };

struct dkim_signer;
/* As dkim_verifier: the text in pieces with CRLF, header section first. */
struct dkim_signer *dkim_signer_new(void);
void dkim_signer_free(struct dkim_signer *signer); /* NULL is fine */
void dkim_signer_feed(struct dkim_signer *signer, struct slice piece);
/* False: it cannot be signed (no From, more than one, or none that names an address; a header
 * section beyond DKIM_HEADER_MAX, or with hundreds of the fields that are signed). */
bool dkim_signer_end(struct dkim_signer *signer);
/* After the end: the address in From (the first of several), which decides whose key it is. */
struct slice dkim_signer_author(const struct dkim_signer *signer);

struct dkim_signing {
    enum dkim_key_kind kind;
    struct slice domain, selector;
    int64_t seconds; /* t= */
};
/* The field so far, "DKIM-Signature: ...; b=" folded (what was in the buffer is forgotten), and the
 * digest that is to be signed. */
void dkim_signer_field(const struct dkim_signer *signer, const struct dkim_signing *signing,
                       struct buf *ret_field, uint8_t ret_digest[DKIM_DIGEST]);
/* Puts the signature behind it, folded, and CRLF. */
void dkim_signer_finish(struct buf *field, struct slice signature);

#endif
