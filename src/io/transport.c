/* Plain transports. See transport.h. */
#include "io/transport.h"

#include "io/tasks.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t transport_read(struct transport *transport, void *to, size_t size)
{
    ssize_t n;

    do
        n = recv(transport->fd, to, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    transport->want = TASK_READ;
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

ssize_t transport_write(struct transport *transport, struct slice bytes)
{
    ssize_t n;

    do
        n = send(transport->fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    transport->want = TASK_WRITE;
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

void transport_close(struct transport *transport)
{
    if (transport->fd >= 0)
        close(transport->fd);
    transport->fd = -1;
}
