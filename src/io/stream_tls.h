/*
 * TLS under a stream (io/stream.h, which alone calls this): a client's end of a connection, in
 * steps that never wait. A call that cannot go on returns -EAGAIN and says for what to poll.
 */
#ifndef NUNCIO_IO_STREAM_TLS_H
#define NUNCIO_IO_STREAM_TLS_H

#include "io/tls_binding.h"
#include "io/tls_client.h"

#include <sys/types.h>

struct stream_tls;

/* The descriptor stays the caller's. Takes a reference to the client. -EINVAL with words in the
 * verdict: what is demanded cannot be verified. */
int stream_tls_new(int fd, struct tls_client *client, const struct tls_demand *demand,
                   struct stream_tls **ret_tls, struct tls_verdict *ret_verdict);
/* Says close_notify where that is due, as far as the socket takes it. NULL is fine. */
void stream_tls_free(struct stream_tls *tls);

/* 0 when it is done, -EAGAIN, or a failure. */
int stream_tls_handshake(struct stream_tls *tls, short *ret_wait);
/* How the handshake came out; `failure` as it ended, whoever ended it. */
void stream_tls_judge(const struct stream_tls *tls, const struct tls_demand *demand, int failure,
                      struct tls_verdict *ret_verdict);
/* Bytes, 0 at the end, -EAGAIN or a failure. */
ssize_t stream_tls_read(struct stream_tls *tls, char *to, size_t size, short *ret_wait);
/* Bytes, at least one; -EAGAIN: the same bytes must come again first. */
ssize_t stream_tls_write(struct stream_tls *tls, struct slice bytes, short *ret_wait);
/* The channel binding; false: there is none. */
bool stream_tls_read_binding(struct stream_tls *tls, unsigned char out[TLS_BINDING_BYTES]);
/* Nothing of the peer waits to be read, not even the end. */
bool stream_tls_is_quiet(struct stream_tls *tls);

#endif
