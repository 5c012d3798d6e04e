/*
 * Blocking reads and writes with deadlines over a non-blocking socket: poll() on the socket and on
 * the cancelling descriptor, then the call itself.
 *
 * A client nearly always has to wait before it can read and hardly ever before it can write, so
 * reading polls first and writing tries first: two system calls for a reply, one for a command.
 * Under TLS a record may have been read already, so there both try first. Nothing outside this file
 * and stream_tls.c touches the descriptor.
 */
#include "io/stream.h"

#include "base/clock.h"
#include "io/connect.h"
#include "io/stream_tls.h"
#include "io/tls_client.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

void stream_init(struct stream *stream, int fd, int cancel_fd)
{
    *stream = (struct stream){.fd = fd, .cancel_fd = cancel_fd};
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void stream_done(struct stream *stream)
{
    stream_tls_free(stream->tls);
    if (stream->fd >= 0)
        close(stream->fd);
    free(stream->in);
    *stream = (struct stream){.fd = -1, .cancel_fd = -1};
}

/* Until the socket is ready for `events`. */
static int wait_ready(const struct stream *stream, short events, uint64_t deadline)
{
    struct pollfd fds[2] = {{.fd = stream->fd, .events = events},
                            {.fd = stream->cancel_fd, .events = POLLIN}};

    for (;;) {
        uint64_t now = clock_mono_ms();
        uint64_t left = deadline > now ? deadline - now : 0;
        int n = poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            return fds[1].revents ? -ECANCELED : 0;
        if (n == 0 && left <= INT32_MAX)
            return -ETIMEDOUT;
    }
}

int stream_connect(struct stream *ret_stream, const struct socket_address *to,
                   const struct socket_address *source, int cancel_fd, uint64_t deadline)
{
    struct connect_try one = {.to = *to};
    struct connect_race race = {
        .tries = &one, .count = 1, .cancel_fd = cancel_fd, .deadline = deadline};
    unsigned winner;
    int fd, r;

    if (source)
        one.source = *source;
    r = connect_first(&race, &fd, &winner);
    if (r == 0)
        *ret_stream = (struct stream){.fd = fd, .cancel_fd = cancel_fd};
    return r;
}

static void make_room(struct stream *stream)
{
    if (!stream->in)
        stream->in = xmalloc(STREAM_BUFFER);
    if (stream->in_from == stream->in_to) {
        stream->in_from = stream->in_to = 0;
    } else if (stream->in_to == STREAM_BUFFER && stream->in_from > 0) {
        memmove(stream->in, stream->in + stream->in_from, stream->in_to - stream->in_from);
        stream->in_to -= stream->in_from;
        stream->in_from = 0;
    }
}

/* Without waiting; -EAGAIN with what to wait for. */
static ssize_t try_read(struct stream *stream, char *to, size_t size, short *ret_wait)
{
    ssize_t n;

    if (stream->tls)
        return stream_tls_read(stream->tls, to, size, ret_wait);
    n = recv(stream->fd, to, size, 0);
    if (n >= 0)
        return n;
    *ret_wait = POLLIN;
    return errno == EINTR ? -EAGAIN : -errno;
}

int stream_fill(struct stream *stream, uint64_t deadline)
{
    int r = 0;
    short wait = POLLIN;

    make_room(stream);
    if (stream->in_to == STREAM_BUFFER)
        return -EMSGSIZE;
    if (!stream->tls)
        r = wait_ready(stream, POLLIN, deadline);
    while (r == 0) {
        ssize_t n =
            try_read(stream, stream->in + stream->in_to, STREAM_BUFFER - stream->in_to, &wait);
        if (n > 0) {
            stream->in_to += (size_t)n;
            return 0;
        }
        if (n == 0)
            return -EPIPE;
        if (n != -EAGAIN)
            return (int)n;
        r = wait_ready(stream, wait, deadline);
    }
    return r;
}

struct slice stream_buffered(const struct stream *stream)
{
    if (!stream->in)
        return SLICE_NULL;
    return slice_from(stream->in + stream->in_from, stream->in_to - stream->in_from);
}

void stream_consume(struct stream *stream, size_t n)
{
    assert(n <= stream->in_to - stream->in_from);
    stream->in_from += n;
}

int stream_read_line(struct stream *stream, uint64_t deadline, struct slice *ret_line)
{
    for (;;) {
        struct slice seen = stream_buffered(stream);
        ptrdiff_t end = slice_find(seen, '\n');
        int r;

        if (end >= 0) {
            struct slice line = slice_sub(seen, 0, (size_t)end);
            stream_consume(stream, (size_t)end + 1);
            if (line.len && line.ptr[line.len - 1] == '\r')
                line.len--;
            *ret_line = line;
            return 0;
        }
        r = stream_fill(stream, deadline);
        if (r < 0)
            return r;
    }
}

/* Without waiting; -EAGAIN with what to wait for. */
static ssize_t try_write(struct stream *stream, struct slice bytes, short *ret_wait)
{
    ssize_t n;

    if (stream->tls)
        return stream_tls_write(stream->tls, bytes, ret_wait);
    do
        n = send(stream->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    *ret_wait = POLLOUT;
    return n < 0 ? -errno : n;
}

int stream_write(struct stream *stream, struct slice bytes, uint64_t deadline)
{
    while (bytes.len) {
        short wait = POLLOUT;
        ssize_t n = try_write(stream, bytes, &wait);
        int r;

        if (n >= 0) {
            bytes = slice_skip(bytes, (size_t)n);
            continue;
        }
        if (n != -EAGAIN)
            return (int)n;
        r = wait_ready(stream, wait, deadline);
        if (r < 0)
            return r;
    }
    return 0;
}

void stream_write_hint(struct stream *stream, struct slice bytes)
{
    short wait;

    (void)try_write(stream, bytes, &wait);
}

bool stream_is_quiet(const struct stream *stream)
{
    char byte;

    if (stream->in_from != stream->in_to)
        return false;
    if (stream->tls)
        return stream_tls_is_quiet(stream->tls);
    return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EINTR);
}

static int shake_hands(struct stream *stream, uint64_t deadline)
{
    for (;;) {
        short wait = POLLIN;
        int r = stream_tls_handshake(stream->tls, &wait);

        if (r == -EAGAIN)
            r = wait_ready(stream, wait, deadline);
        else
            return r;
        if (r < 0)
            return r;
    }
}

int stream_start_tls(struct stream *stream, struct tls_client *client,
                     const struct tls_demand *demand, uint64_t deadline,
                     struct tls_verdict *ret_verdict)
{
    int r;

    *ret_verdict = (struct tls_verdict){.result = "validation-failure"};
    if (stream->in_from != stream->in_to) {
        snprintf(ret_verdict->why, sizeof(ret_verdict->why),
                 "the server spoke in the clear when TLS was to begin");
        return -EBADMSG;
    }
    r = stream_tls_new(stream->fd, client, demand, &stream->tls, ret_verdict);
    if (r < 0)
        return r;
    r = shake_hands(stream, deadline);
    stream_tls_judge(stream->tls, demand, r, ret_verdict);
    return r;
}

bool stream_tls_binding(const struct stream *stream, unsigned char out[TLS_BINDING_BYTES])
{
    return stream->tls && stream_tls_read_binding(stream->tls, out);
}
