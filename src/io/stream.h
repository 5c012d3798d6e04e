/*
 * A stream is the one way to a peer's socket for code that runs straight down on a thread of its
 * own: it blocks, and every wait has a deadline (absolute, clock_mono_ms()) and can be cancelled.
 * Plain, or TLS behind the same calls once stream_start_tls() has returned 0.
 *
 * The descriptor is non-blocking inside. Reading goes through a buffer of STREAM_BUFFER bytes:
 * stream_fill() waits, stream_buffered() looks, stream_consume() takes. One thread at a time.
 *
 * Failures, of all calls: -ETIMEDOUT (the deadline), -ECANCELED (somebody made cancel_fd
 * readable), -EPIPE (the peer has closed), -ECONNRESET, -EPROTO (TLS broke), or another -errno of
 * the socket. After a
 * failure of reading or writing only stream_done() is of use, but what is already buffered can
 * still be read: a peer's last words before it closed are worth having.
 */
#ifndef NUNCIO_IO_STREAM_H
#define NUNCIO_IO_STREAM_H

#include "io/socket_address.h"
#include "io/tls_binding.h"

enum { STREAM_BUFFER = 8 * 1024 };

struct stream_tls;
struct tls_client;
struct tls_demand;
struct tls_verdict;

struct stream {
    int fd;        /* -1: not open */
    int cancel_fd; /* readable: give up; -1: none. Not owned. */
    char *in;      /* NULL until the first fill */
    size_t in_from, in_to;
    struct stream_tls *tls; /* NULL: plain */
};

/* Takes the descriptor over and makes it non-blocking. */
void stream_init(struct stream *stream, int fd, int cancel_fd);
/* Connects, from `source` unless that is NULL or empty. Nagle's delay is off. */
int stream_connect(struct stream *ret_stream, const struct socket_address *to,
                   const struct socket_address *source, int cancel_fd, uint64_t deadline);
/* Closes and frees; fine on a stream that is not open. Under TLS says close_notify and does not
 * wait for the peer's. */
void stream_done(struct stream *stream);

/*
 * The handshake, as a client. 0 when the peer has shown what is demanded; else a failure, after
 * which the stream is of no use. *ret_verdict is filled in any case. -EBADMSG: the peer said
 * something in the clear after it had agreed to TLS (RFC 3207 section 4; whoever wrote that was not
 * seen by TLS, and is not to be read behind it).
 */
int stream_start_tls(struct stream *stream, struct tls_client *client,
                     const struct tls_demand *demand, uint64_t deadline,
                     struct tls_verdict *ret_verdict);

/* The channel binding tls-exporter (RFC 9266) of the connection; false: there is none. */
bool stream_tls_binding(const struct stream *stream, unsigned char out[TLS_BINDING_BYTES]);

/* Waits until there is more in the buffer than before. -EMSGSIZE: the buffer is full. */
int stream_fill(struct stream *stream, uint64_t deadline);
struct slice stream_buffered(const struct stream *stream);
void stream_consume(struct stream *stream, size_t n);
/* The next line without its LF and a CR before it; good until the next call. -EMSGSIZE: no line
 * end in STREAM_BUFFER bytes. */
int stream_read_line(struct stream *stream, uint64_t deadline, struct slice *ret_line);

/* All of it, or a failure. */
int stream_write(struct stream *stream, struct slice bytes, uint64_t deadline);
/* What the socket takes at once, without waiting: for a last word that nobody waits for. */
void stream_write_hint(struct stream *stream, struct slice bytes);

/* Nothing to read, not even the end: an idle connection is still as it was left. What TLS sends for
 * itself, such as session tickets, is taken in and does not count. */
bool stream_is_quiet(const struct stream *stream);

#endif
