/*
 * What has to be known of a host before it is connected to. Equal preferences are shuffled anew for
 * each attempt (RFC 5321 section 5.1: to spread the load); so are our own source addresses.
 */
#include "relay/dial_host.h"

#include "base/clock.h"
#include "io/socket_address.h"

#include <stdlib.h>

static void shuffle(unsigned char *list, unsigned count)
{
    for (unsigned i = count; i > 1; i--) {
        unsigned other = arc4random_uniform(i);
        unsigned char moved = list[i - 1];
        list[i - 1] = list[other];
        list[other] = moved;
    }
}

void dial_host_order(const struct destination *destination,
                     unsigned char ret_order[static DESTINATION_HOSTS_MAX])
{
    const struct destination_host *hosts = destination->hosts;
    unsigned n = destination->n_hosts;

    if (n > DESTINATION_HOSTS_MAX)
        n = DESTINATION_HOSTS_MAX;
    for (unsigned i = 0; i < n; i++)
        ret_order[i] = (unsigned char)i;
    for (unsigned from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && hosts[to].preference == hosts[from].preference;)
            to++;
        shuffle(ret_order + from, to - from);
    }
}

static void add_found(struct dial_host *to, const struct dns_addresses *found, bool ipv6)
{
    for (unsigned i = 0; i < found->count; i++) {
        if (found->list[i].family == AF_INET || ipv6)
            to->addresses[to->count++] =
                socket_address_from_ip(found->list[i].family, found->list[i].bytes, to->host->port);
    }
}

static void look_up(struct dns *dns, bool ipv6, const struct outcome *outcome, struct dial_host *to)
{
    struct slice name = to->host->name;
    struct dns_addresses found;
    int r = dns_lookup_addresses(dns, name, clock_mono_ms() + DIAL_LOOKUP_MS, &found);
    const char *why = dns_result_text((enum dns_result)r);

    if (r == DNS_FOUND) {
        add_found(to, &found, ipv6);
        to->secure = found.security == DNS_SECURE;
        to->canonical = arena_dup(outcome->arena, slice_from_cstr(found.canonical));
        why = "it has no IPv4 address, and the route has no IPv6";
    }
    if (to->count == 0)
        to->verdict = verdict_from_text(outcome, DONE_NETWORK, STATUS(4, 4, 3),
                                        "cannot look up %.*s: %s", SLICE_ARG(name), why);
}

void dial_host_resolve(struct dns *dns, const struct destination_host *host, bool ipv6,
                       const struct outcome *outcome, struct dial_host *ret_host)
{
    *ret_host = (struct dial_host){.host = host};
    if (host->kind == ENDPOINT_UNIX) {
        ret_host->count = socket_address_from_path(host->name, &ret_host->addresses[0]);
        if (ret_host->count == 0)
            ret_host->verdict =
                verdict_from_text(outcome, DONE_NETWORK, STATUS(4, 4, 3),
                                  "the path %.*s is too long", SLICE_ARG(host->name));
    } else if (socket_address_parse(host->name, host->port, &ret_host->addresses[0])) {
        ret_host->count = 1;
    } else {
        look_up(dns, ipv6, outcome, ret_host);
    }
}

struct slice dial_host_name(const struct destination_host *host,
                            const struct socket_address *address, const struct outcome *outcome)
{
    struct buf text;
    struct slice name;

    if (host->kind == ENDPOINT_UNIX)
        return arena_printf(outcome->arena, "unix:%.*s", SLICE_ARG(host->name));
    buf_init(&text, INET6_ADDRSTRLEN);
    socket_address_add_text(&text, address);
    name = arena_printf(outcome->arena, "%.*s[%.*s]:%u", SLICE_ARG(host->name),
                        SLICE_ARG(buf_slice(&text)), host->port);
    buf_done(&text);
    return name;
}

/* An IPv6 address has many spellings: the addresses count, not their text. */
static bool is_off(const struct msg_unit *unit, const struct socket_address *source)
{
    for (uint32_t i = 0; i < unit->n_sources_off; i++) {
        struct socket_address off;
        if (socket_address_parse(unit->sources_off[i], 0, &off) && socket_address_eq(&off, source))
            return true;
    }
    return false;
}

bool dial_host_source(const struct config_route *route, const struct msg_unit *unit,
                      const struct socket_address *to, struct socket_address *ret_source)
{
    uint32_t n_fit = 0, n_off = 0;

    *ret_source = (struct socket_address){0};
    for (size_t i = 0; i < route->sources.count; i++) {
        struct socket_address source;
        if (!socket_address_parse(route->sources.list[i], 0, &source) ||
            source.socket.any.sa_family != to->socket.any.sa_family)
            continue;
        if (is_off(unit, &source))
            n_off++;
        else if (arc4random_uniform(++n_fit) == 0) /* each with the same chance */
            *ret_source = source;
    }
    return n_fit > 0 || n_off == 0;
}
