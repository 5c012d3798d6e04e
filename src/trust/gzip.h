/* Packing by zlib, for reports. Pure; unpacking is inflate.h's. */
#ifndef NUNCIO_TRUST_GZIP_H
#define NUNCIO_TRUST_GZIP_H

#include "base/buf.h"

/* A gzip file of one member. Too large: overflow. */
void gzip_pack(struct buf *out, struct slice text);

#endif
