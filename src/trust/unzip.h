/* The one file of a zip archive, as reporters of old send reports. Pure. */
#ifndef NUNCIO_TRUST_UNZIP_H
#define NUNCIO_TRUST_UNZIP_H

#include "base/buf.h"

bool unzip_is_meant(struct slice bytes);

/* The first file in the archive; stored or deflated, neither encrypted nor of Zip64. False when it
 * is none of that, damaged, a bomb, or too large for `out`. */
bool unzip_first(struct buf *out, struct slice packed);

#endif
