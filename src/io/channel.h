/*
 * A channel is a role's end of a socketpair: typed, bounded messages with descriptors.
 *
 * SOCK_SEQPACKET keeps the borders of messages, so that one sendmsg() is one message, whole or not
 * at all, from any thread. A message is a u16 type and a payload (see io/message.h) of at most
 * CHANNEL_PAYLOAD_MAX bytes, with at most CHANNEL_FDS_MAX descriptors. What comes in is checked for
 * these bounds here and for its meaning by its decoder; a peer that breaks them is dead to us.
 */
#ifndef NUNCIO_IO_CHANNEL_H
#define NUNCIO_IO_CHANNEL_H

#include "base/slice.h"

enum { CHANNEL_PAYLOAD_MAX = 160 * 1024, CHANNEL_FDS_MAX = 4 };

/* -errno. Both ends are close-on-exec and non-blocking. */
int channel_pair(int ret_fds[2]);

/* Descriptors stay the caller's. -EAGAIN: the peer is behind; -EPIPE: it is gone; -EMSGSIZE. */
int channel_send(int fd, uint16_t type, struct slice payload, const int *fds, unsigned n_fds);
/* The same, waiting up to timeout_ms for room. -ETIMEDOUT. */
int channel_send_wait(int fd, uint16_t type, struct slice payload, const int *fds, unsigned n_fds,
                      unsigned timeout_ms);

struct channel_message {
    uint16_t type;
    struct slice payload; /* in the buffer given to receive */
    int fds[CHANNEL_FDS_MAX];
    unsigned n_fds;
};

/*
 * The next message into `buffer` (CHANNEL_PAYLOAD_MAX + 2 bytes at least). 0 with the message,
 * whose descriptors are the caller's to close; -EAGAIN: none now; -EPIPE: the peer is gone;
 * -EBADMSG: it broke the bounds.
 */
int channel_receive(int fd, void *buffer, size_t size, struct channel_message *ret_message);
void channel_message_close_fds(struct channel_message *message);

#endif
