/*
 * See own_hosts.h. At the port of SMTP every address of the machine counts, whoever listens there:
 * a packet filter may bring that port to a listener on another one. At any other port (a route with
 * `port`) only what a listener really takes counts, because a machine may run two mail servers.
 */
#include "relay/own_hosts.h"

#include "base/buf.h"
#include "io/socket_address.h"

#include <ifaddrs.h>

enum { SMTP_PORT = 25 };

static struct dns_address from_sockaddr(const struct sockaddr *from)
{
    struct dns_address address = {.family = from->sa_family};

    if (from->sa_family == AF_INET)
        memcpy(address.bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else
        memcpy(address.bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    return address;
}

void own_hosts_read(struct own_hosts *own)
{
    struct ifaddrs *all;
    unsigned count = 0;

    if (getifaddrs(&all) < 0)
        return;
    own_hosts_done(own);
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        count++;
    own->addresses = xcalloc(count ? count : 1, sizeof(*own->addresses));
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (i->ifa_addr &&
            (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6))
            own->addresses[own->count++] = from_sockaddr(i->ifa_addr);
    }
    freeifaddrs(all);
}

void own_hosts_done(struct own_hosts *own)
{
    free(own->addresses);
    *own = (struct own_hosts){0};
}

bool own_hosts_has_name(const struct config *config, struct slice name)
{
    if (slice_eq_nocase(config->hostname, name))
        return true;
    for (size_t i = 0; i < config->n_routes; i++) {
        if (slice_eq_nocase(config->routes[i].helo, name))
            return true;
    }
    return false;
}

static size_t length_of(const struct dns_address *address)
{
    return address->family == AF_INET ? 4 : 16;
}

static bool is_same(const struct dns_address *a, const struct dns_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, length_of(a)) == 0;
}

/* 127.0.0.0/8, ::1, and the unspecified addresses, which mean this machine too. */
static bool is_loopback(const struct dns_address *address)
{
    static const unsigned char v6_loopback[16] = {[15] = 1}, v6_any[16];

    if (address->family == AF_INET)
        return address->bytes[0] == 127 || address->bytes[0] == 0;
    return memcmp(address->bytes, v6_loopback, 16) == 0 || memcmp(address->bytes, v6_any, 16) == 0;
}

static bool is_on_interface(const struct own_hosts *own, const struct dns_address *address)
{
    for (unsigned i = 0; i < own->count; i++) {
        if (is_same(&own->addresses[i], address))
            return true;
    }
    return is_loopback(address);
}

static bool listens(const struct own_hosts *own, const struct config_endpoint *endpoint,
                    const struct dns_address *address)
{
    struct socket_address parsed;
    struct dns_address at;

    if (slice_eq(endpoint->host, SLICE("*")))
        return is_on_interface(own, address);
    if (!socket_address_parse(endpoint->host, 0, &parsed))
        return false;
    at = from_sockaddr(&parsed.socket.any);
    return is_same(&at, address);
}

bool own_hosts_has_address(const struct own_hosts *own, const struct config *config,
                           const struct dns_address *address, uint16_t port)
{
    if (port == SMTP_PORT && is_on_interface(own, address))
        return true;
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_endpoints *addresses = &config->listeners[i].addresses;
        for (size_t j = 0; j < addresses->count; j++) {
            const struct config_endpoint *endpoint = &addresses->list[j];
            if (endpoint->kind == ENDPOINT_INET && (endpoint->port == port || port == SMTP_PORT) &&
                listens(own, endpoint, address))
                return true;
        }
    }
    return false;
}
