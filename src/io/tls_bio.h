/*
 * The socket under an SSL: never blocks, never raises SIGPIPE, and gives no more than so many bytes
 * for one call of OpenSSL. The last is for fairness: a client can send records that bring no data
 * (RFC 8446 section 4.6.3, key updates) as fast as the line goes, and OpenSSL would go on reading.
 */
#ifndef NUNCIO_IO_TLS_BIO_H
#define NUNCIO_IO_TLS_BIO_H

#include "base/slice.h"

struct bio_st;

enum { TLS_BIO_BUDGET = 64 * 1024 };

/* `already`, copied, was read from the socket before and comes first. The descriptor stays the
 * caller's. NULL: out of memory. */
struct bio_st *tls_bio_new(int fd, struct slice already);
/* A call of OpenSSL begins: it may read TLS_BIO_BUDGET bytes. When they are used up, the BIO asks
 * to be called again as if there were nothing to read. */
void tls_bio_begin(struct bio_st *bio);

#endif
