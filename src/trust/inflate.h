/* Unpacking by zlib with bounds. Pure. */
#ifndef NUNCIO_TRUST_INFLATE_H
#define NUNCIO_TRUST_INFLATE_H

#include "base/buf.h"

/* More bytes than so many out of one, beyond the first INFLATE_RATIO_FREE, no report has. */
enum { INFLATE_RATIO_MAX = 250, INFLATE_RATIO_FREE = 1 << 20 };

/* zlib's windowBits. */
enum { INFLATE_GZIP = 15 + 16, INFLATE_RAW = -15 };

/* One stream; what follows it is not looked at. What a few bytes unpack to is bounded by `out` and
 * by the ratio, not by what they say of themselves. False when it is damaged, a bomb, or too large.
 */
bool inflate_bounded(struct buf *out, struct slice packed, int window);

#endif
