/*
 * See ourselves.h. A literal counts only if it is the very address of this connection: a machine
 * has addresses on which it takes no mail, and a relay inside has neighbours.
 */
#include "receive/ourselves.h"

#include "config/config.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static struct slice own_domain(const struct config *config)
{
    if (config_find_domain(config, config->hostname))
        return config->hostname;
    for (size_t i = 0; i < config->n_domains; i++) {
        if (config->domains[i].local)
            return config->domains[i].name;
    }
    return config->hostname;
}

static bool is_own_address(const struct session *session, const void *address, bool v6)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } own = {.room = {0}};
    socklen_t len = sizeof(own);

    if (getsockname(session->transport.fd, &own.any, &len) < 0)
        return false;
    if (v6)
        return own.any.sa_family == AF_INET6 && memcmp(&own.v6.sin6_addr, address, 16) == 0;
    if (own.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&own.v6.sin6_addr))
        return memcmp(own.v6.sin6_addr.s6_addr + 12, address, 4) == 0;
    return own.any.sa_family == AF_INET && memcmp(&own.v4.sin_addr, address, 4) == 0;
}

static bool is_own_literal(const struct session *session, const struct address *address)
{
    bool v6 = address->kind == ADDRESS_IPV6;
    struct slice text = slice_skip(address->domain, v6 ? strlen("[IPv6:") : 1);
    char cstr[INET6_ADDRSTRLEN];
    unsigned char bytes[16];

    if ((!v6 && address->kind != ADDRESS_IPV4) || text.len < 2 || text.len > sizeof(cstr))
        return false;
    memcpy(cstr, text.ptr, text.len - 1); /* all but the closing bracket */
    cstr[text.len - 1] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, cstr, bytes) == 1 &&
           is_own_address(session, bytes, v6);
}

void ourselves_localise(const struct session *session, struct address *address, struct arena *arena)
{
    const struct config *config = session->config;
    bool host = address->kind == ADDRESS_DOMAIN &&
                slice_eq_nocase(address->local, SLICE("postmaster")) &&
                slice_eq_nocase(address->domain, config->hostname);

    if (address->kind != ADDRESS_POSTMASTER && !host && !is_own_literal(session, address))
        return;
    if (host)
        address->kind = ADDRESS_POSTMASTER;
    else if (address->kind != ADDRESS_POSTMASTER)
        address->kind = ADDRESS_DOMAIN;
    address->domain = own_domain(config);
    address->mailbox = arena_printf(
        arena, "%.*s@%.*s", SLICE_ARG(address->local.len ? address->local : address->mailbox),
        SLICE_ARG(address->domain));
}
