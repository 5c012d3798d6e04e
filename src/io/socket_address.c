/*
 * Socket addresses from and to text. Names are resolved elsewhere (src/dns); a text that is no
 * literal is refused here. IPv6 scopes ("%eth0") are not taken: mail to a link-local neighbour has
 * no use.
 */
#include "io/socket_address.h"

#include <arpa/inet.h>

struct socket_address socket_address_from_ip(int family, const void *bytes, uint16_t port)
{
    struct socket_address address = {0};

    if (family == AF_INET) {
        address.socket.v4.sin_family = AF_INET;
        address.socket.v4.sin_port = htons(port);
        memcpy(&address.socket.v4.sin_addr, bytes, 4);
        address.len = sizeof(address.socket.v4);
    } else {
        address.socket.v6.sin6_family = AF_INET6;
        address.socket.v6.sin6_port = htons(port);
        memcpy(&address.socket.v6.sin6_addr, bytes, 16);
        address.len = sizeof(address.socket.v6);
    }
    return address;
}

bool socket_address_parse(struct slice text, uint16_t port, struct socket_address *ret_address)
{
    char cstr[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    int family = slice_find(text, ':') >= 0 ? AF_INET6 : AF_INET;

    if (text.len >= sizeof(cstr) || slice_find(text, '\0') >= 0)
        return false;
    if (text.len)
        memcpy(cstr, text.ptr, text.len);
    cstr[text.len] = '\0';
    if (inet_pton(family, cstr, bytes) != 1)
        return false;
    *ret_address = socket_address_from_ip(family, bytes, port);
    return true;
}

bool socket_address_from_path(struct slice path, struct socket_address *ret_address)
{
    struct socket_address address = {.len = sizeof(struct sockaddr_un)};

    if (path.len == 0 || path.len >= sizeof(address.socket.local.sun_path) || !path.ptr[0])
        return false;
    address.socket.local.sun_family = AF_UNIX;
    memcpy(address.socket.local.sun_path, path.ptr, path.len);
    *ret_address = address;
    return true;
}

bool socket_address_eq(const struct socket_address *a, const struct socket_address *b)
{
    if (a->len != b->len || a->len == 0)
        return a->len == b->len;
    if (a->socket.any.sa_family != b->socket.any.sa_family)
        return false;
    switch (a->socket.any.sa_family) {
    case AF_INET:
        return a->socket.v4.sin_port == b->socket.v4.sin_port &&
               a->socket.v4.sin_addr.s_addr == b->socket.v4.sin_addr.s_addr;
    case AF_INET6:
        return a->socket.v6.sin6_port == b->socket.v6.sin6_port &&
               memcmp(&a->socket.v6.sin6_addr, &b->socket.v6.sin6_addr, 16) == 0;
    default:
        return memcmp(&a->socket.local.sun_path, &b->socket.local.sun_path,
                      sizeof(a->socket.local.sun_path)) == 0;
    }
}

/* Family, port and IP address; of a path its hash, for two paths are hardly ever in one table. */
struct socket_address_key socket_address_key(const struct socket_address *address)
{
    struct socket_address_key key = {{0}};
    uint64_t hash;

    key.bytes[0] = address->len ? (unsigned char)address->socket.any.sa_family : AF_UNSPEC;
    switch (key.bytes[0]) {
    case AF_INET:
        memcpy(key.bytes + 2, &address->socket.v4.sin_port, 2);
        memcpy(key.bytes + 4, &address->socket.v4.sin_addr, 4);
        break;
    case AF_INET6:
        memcpy(key.bytes + 2, &address->socket.v6.sin6_port, 2);
        memcpy(key.bytes + 4, &address->socket.v6.sin6_addr, 16);
        break;
    case AF_UNIX:
        hash = slice_hash(slice_from_cstr(address->socket.local.sun_path));
        memcpy(key.bytes + 4, &hash, sizeof(hash));
        break;
    default:
        break;
    }
    return key;
}

void socket_address_add_text(struct buf *out, const struct socket_address *address)
{
    char text[INET6_ADDRSTRLEN] = "";

    switch (address->len ? address->socket.any.sa_family : AF_UNSPEC) {
    case AF_INET:
        inet_ntop(AF_INET, &address->socket.v4.sin_addr, text, sizeof(text));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->socket.v6.sin6_addr, text, sizeof(text));
        break;
    case AF_UNIX:
        buf_add_cstr(out, address->socket.local.sun_path);
        return;
    default:
        return;
    }
    buf_add_cstr(out, text);
}
