/*
 * SHA-256 over a body in every way in which somebody signed it: both canonicalisations, and
 * beginnings of them (l=). However many are wanted, the text is hashed once for each
 * canonicalisation that occurs. Pure.
 */
#ifndef NUNCIO_TRUST_DKIM_BODY_H
#define NUNCIO_TRUST_DKIM_BODY_H

#include "trust/dkim_canon.h"

enum { DKIM_HASH = 32 };
#define DKIM_WHOLE UINT64_MAX /* no l= */

struct dkim_body;
struct dkim_body *dkim_body_new(void);
void dkim_body_free(struct dkim_body *body); /* NULL is fine */

/* Before the first byte. What is wanted twice is hashed once; false when DKIM_BODY_HASHES_MAX are
 * wanted already. */
bool dkim_body_want(struct dkim_body *body, enum dkim_canon canon, uint64_t length);

void dkim_body_feed(struct dkim_body *body, struct slice piece);
void dkim_body_end(struct dkim_body *body);

/* After the end: NULL when it was not wanted, or the canonical body is shorter than `length`. */
const uint8_t *dkim_body_hash(const struct dkim_body *body, enum dkim_canon canon, uint64_t length);
/* Octets of the canonical body; 0 when none was wanted of this canonicalisation. */
uint64_t dkim_body_size(const struct dkim_body *body, enum dkim_canon canon);

#endif
