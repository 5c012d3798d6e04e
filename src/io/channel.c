/* Messages over SOCK_SEQPACKET socketpairs. See channel.h. */
#include "io/channel.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int channel_pair(int ret_fds[2])
{
    int fds[2];
    int room = 2 * CHANNEL_PAYLOAD_MAX;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        /* The privileged form passes the system's limit; without privilege the limit has to do. */
        if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
            (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    }
    memcpy(ret_fds, fds, sizeof(fds));
    return 0;
}

union control_space {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
};

int channel_send(int fd, uint16_t type, struct slice payload, const int *fds, unsigned n_fds)
{
    unsigned char head[2] = {(unsigned char)type, (unsigned char)(type >> 8)};
    struct iovec iov[2] = {{.iov_base = head, .iov_len = sizeof(head)},
                           {.iov_base = (void *)(uintptr_t)payload.ptr, .iov_len = payload.len}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = payload.len ? 2 : 1};
    union control_space control = {0};

    if (payload.len > CHANNEL_PAYLOAD_MAX || n_fds > CHANNEL_FDS_MAX)
        return -EMSGSIZE;
    if (n_fds) {
        struct cmsghdr *cmsg;
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        cmsg = CMSG_FIRSTHDR(&message);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
    }
    for (;;) {
        if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno == ECONNRESET || errno == ENOTCONN)
            return -EPIPE;
        return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
    }
}

int channel_send_wait(int fd, uint16_t type, struct slice payload, const int *fds, unsigned n_fds,
                      unsigned timeout_ms)
{
    uint64_t deadline = clock_mono_ms() + timeout_ms;

    for (;;) {
        int r = channel_send(fd, type, payload, fds, n_fds);
        uint64_t now = clock_mono_ms();
        struct pollfd ready = {.fd = fd, .events = POLLOUT};

        if (r != -EAGAIN)
            return r;
        if (now >= deadline)
            return -ETIMEDOUT;
        if (poll(&ready, 1, (int)(deadline - now)) < 0 && errno != EINTR)
            return -errno;
    }
}

static void take_fds(struct msghdr *header, struct channel_message *message)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
        size_t n;
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (n > CHANNEL_FDS_MAX - message->n_fds)
            n = CHANNEL_FDS_MAX - message->n_fds; /* cannot be: the control space has no more */
        memcpy(message->fds + message->n_fds, CMSG_DATA(cmsg), n * sizeof(int));
        message->n_fds += (unsigned)n;
    }
}

int channel_receive(int fd, void *buffer, size_t size, struct channel_message *ret_message)
{
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    union control_space control;
    struct msghdr header = {.msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control.space,
                            .msg_controllen = sizeof(control.space)};
    struct channel_message message = {0};
    const unsigned char *head = buffer;
    ssize_t n;

    do
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return -EAGAIN;
    if (n < 0)
        return errno == ECONNRESET ? -EPIPE : -errno;
    take_fds(&header, &message);
    if (n < 2 || header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        channel_message_close_fds(&message);
        return n == 0 ? -EPIPE : -EBADMSG;
    }
    message.type = (uint16_t)(head[0] | head[1] << 8);
    message.payload = slice_from(head + 2, (size_t)n - 2);
    *ret_message = message;
    return 0;
}

void channel_message_close_fds(struct channel_message *message)
{
    for (unsigned i = 0; i < message->n_fds; i++)
        close(message->fds[i]);
    message->n_fds = 0;
}
