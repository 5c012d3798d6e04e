/*
 * Authentication-Results (RFC 8601): written from verdicts, and recognised where it pretends to be
 * ours. Never parsed for a decision, but for what a trusted ARC sealer says. Pure.
 */
#ifndef NUNCIO_TRUST_AUTHRES_H
#define NUNCIO_TRUST_AUTHRES_H

#include "trust/verdicts.h"

#include "base/buf.h"

/* The whole field with CRLF, folded, ASCII; nothing from outside leaves its place in it. `remark`
 * goes to its end as a comment: what was done in spite of the verdicts, or is empty. */
void authres_write(struct buf *out, struct slice authserv_id, const struct trust_verdicts *verdicts,
                   struct slice remark);

/* Is this field value (folded, comments and all) one that names this authserv-id, as any reader
 * could take it? In doubt it is. */
bool authres_is_of(struct slice value, struct slice authserv_id);

/* The authserv-id of a field's value, without quotes; empty when it has none that can be read. */
struct slice authres_id(struct slice value, struct arena *arena);

/* From ARC-Authentication-Results of a sealer that is trusted: did `dmarc` pass there for `author`,
 * or, where it says nothing of dmarc, spf or dkim for this very domain? In doubt not. */
bool authres_vouches(struct slice results, struct slice author, struct arena *arena);

#endif
