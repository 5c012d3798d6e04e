/*
 * A socket address by value: IPv4, IPv6 or the path of a unix socket.
 */
#ifndef NUNCIO_IO_SOCKET_ADDRESS_H
#define NUNCIO_IO_SOCKET_ADDRESS_H

#include "base/buf.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct socket_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } socket;
    socklen_t len; /* 0: no address */
};

/* `bytes` are 4 (AF_INET) or 16 (AF_INET6), in network order. */
struct socket_address socket_address_from_ip(int family, const void *bytes, uint16_t port);
/* "192.0.2.1" or "2001:db8::1", without brackets. False: not an IP address in text. */
bool socket_address_parse(struct slice text, uint16_t port, struct socket_address *ret_address);
/* False: the path is empty or longer than the kernel takes (107 bytes). */
bool socket_address_from_path(struct slice path, struct socket_address *ret_address);

/* Family, IP address and port (or path) are the same. */
bool socket_address_eq(const struct socket_address *a, const struct socket_address *b);
/* Bytes that are equal when the addresses are, for tables. */
struct socket_address_key {
    unsigned char bytes[20];
};
struct socket_address_key socket_address_key(const struct socket_address *address);

/* The IP address alone, or the path. */
void socket_address_add_text(struct buf *out, const struct socket_address *address);

#endif
