/*
 * Parsing of single values. See value.h. Nothing here knows which setting it serves.
 *
 * Numbers are decimal, without sign, and never overflow in silence. Network addresses are taken by
 * inet_pton() alone, so that "10.1" or "010.0.0.1" are not what an old resolver makes of them.
 */
#include "config/value.h"

#include <arpa/inet.h>

struct unit {
    struct slice suffix;
    uint64_t factor;
};

/* A number with one of the units; the first suffix that fits at the end wins. */
static bool parse_with_unit(struct slice text, const struct unit *units, size_t n_units,
                            uint64_t *ret_value)
{
    for (size_t i = 0; i < n_units; i++) {
        struct slice suffix = units[i].suffix;
        uint64_t number;
        if (text.len <= suffix.len || !slice_eq(slice_skip(text, text.len - suffix.len), suffix))
            continue;
        if (!slice_parse_u64(slice_sub(text, 0, text.len - suffix.len),
                             UINT64_MAX / units[i].factor, &number))
            return false;
        *ret_value = number * units[i].factor;
        return true;
    }
    return false;
}

bool value_parse_size(struct slice text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {SLICE_INIT("K"), UINT64_C(1) << 10},
        {SLICE_INIT("M"), UINT64_C(1) << 20},
        {SLICE_INIT("G"), UINT64_C(1) << 30},
        {SLICE_INIT("T"), UINT64_C(1) << 40},
        {SLICE_INIT(""), 1},
    };
    return parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}

bool value_parse_duration(struct slice text, uint64_t *ret_ms)
{
    static const struct unit units[] = {
        {SLICE_INIT("ms"), 1},      {SLICE_INIT("s"), 1000},     {SLICE_INIT("m"), 60000},
        {SLICE_INIT("h"), 3600000}, {SLICE_INIT("d"), 86400000}, {SLICE_INIT("w"), 604800000},
    };

    if (slice_eq(text, SLICE("0"))) {
        *ret_ms = 0;
        return true;
    }
    return parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), ret_ms);
}

bool value_parse_mode(struct slice text, unsigned *ret_mode)
{
    unsigned mode = 0;

    if (text.len < 3 || text.len > 4)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7')
            return false;
        mode = mode * 8 + (unsigned)(text.ptr[i] - '0');
    }
    if (mode > 0777)
        return false;
    *ret_mode = mode;
    return true;
}

bool value_is_name(struct slice text)
{
    if (text.len == 0 || text.len > 64 || !ascii_is_alnum(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!ascii_is_alnum(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

bool value_parse_ip(struct slice text, int *ret_family, uint8_t ret_address[16])
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t address[16] = {0};
    int family = slice_find(text, ':') >= 0 ? AF_INET6 : AF_INET;

    if (text.len >= sizeof(copy) || text.len == 0)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(family, copy, address) != 1)
        return false;
    memcpy(ret_address, address, sizeof(address));
    *ret_family = family;
    return true;
}

/* Clears what lies behind the prefix; tells whether there was something. */
static bool clear_host_bits(struct config_network *network)
{
    uint8_t bits = network->family == AF_INET ? 32 : 128;
    bool had = false;

    for (unsigned i = network->prefix; i < bits; i++) {
        uint8_t bit = (uint8_t)(0x80 >> (i % 8));
        had = had || (network->address[i / 8] & bit);
        network->address[i / 8] &= (uint8_t)~bit;
    }
    return had;
}

/* ::ffff:0:0/96 and its parts are IPv4. False when the network holds all of it and more. */
static bool unmap_ipv4(struct config_network *network)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (network->family != AF_INET6 || memcmp(network->address, mapped, sizeof(mapped)) != 0)
        return true;
    if (network->prefix < 96)
        return false;
    network->family = AF_INET;
    network->prefix = (uint8_t)(network->prefix - 96);
    memmove(network->address, network->address + 12, 4);
    memset(network->address + 4, 0, 12);
    return true;
}

bool value_parse_network(struct slice text, struct config_network *ret_network,
                         const char **ret_why, struct value_hint *ret_hint)
{
    struct config_network network = {0};
    ptrdiff_t slash = slice_find(text, '/');
    struct slice address = slash < 0 ? text : slice_sub(text, 0, (size_t)slash);
    uint64_t prefix;

    ret_hint->text[0] = '\0';
    *ret_why = "is not a network; write one like 192.0.2.0/24 or 2001:db8::/32";
    if (!value_parse_ip(address, &network.family, network.address))
        return false;
    prefix = network.family == AF_INET ? 32 : 128;
    if (slash >= 0 && !slice_parse_u64(slice_skip(text, (size_t)slash + 1), prefix, &prefix)) {
        *ret_why = "has a wrong prefix length; it is 0 to 32 for IPv4, 0 to 128 for IPv6";
        return false;
    }
    network.prefix = (uint8_t)prefix;
    *ret_why = "is wider than all IPv4 addresses; write them as an IPv4 network";
    if (!unmap_ipv4(&network))
        return false;
    *ret_why = "has bits set behind its prefix; the network is ";
    if (clear_host_bits(&network)) {
        *ret_hint = value_format_network(&network);
        return false;
    }
    *ret_network = network;
    return true;
}

struct value_hint value_format_network(const struct config_network *network)
{
    char address[INET6_ADDRSTRLEN];
    struct value_hint hint;

    inet_ntop(network->family, network->address, address, sizeof(address));
    snprintf(hint.text, sizeof(hint.text), "%s/%u", address, network->prefix);
    return hint;
}

/* Splits "host:port" and "[literal]:port"; a port that is not there stays empty. */
static bool split_host_port(struct slice text, struct slice *ret_host, struct slice *ret_port,
                            const char **ret_why)
{
    ptrdiff_t at = slice_find_last(text, ':');

    if (text.len && text.ptr[0] == '[') {
        ptrdiff_t close = slice_find(text, ']');
        struct slice rest = close < 0 ? SLICE_NULL : slice_skip(text, (size_t)close + 1);
        *ret_why = "has no ']', or something else than ':PORT' behind it";
        if (close < 0 || (rest.len && rest.ptr[0] != ':'))
            return false;
        *ret_host = slice_sub(text, 1, (size_t)close - 1);
        *ret_port = rest.len ? slice_skip(rest, 1) : SLICE_NULL;
        return true;
    }
    if (at >= 0 && slice_find(text, ':') != at) {
        *ret_why = "is an IPv6 address without brackets; write it like [2001:db8::1]:25";
        return false;
    }
    *ret_host = at < 0 ? text : slice_sub(text, 0, (size_t)at);
    *ret_port = at < 0 ? SLICE_NULL : slice_skip(text, (size_t)at + 1);
    return true;
}

static bool is_host(struct slice host, bool in_brackets)
{
    uint8_t address[16];
    int family;

    if (in_brackets)
        return value_parse_ip(host, &family, address) && family == AF_INET6;
    if (slice_eq(host, SLICE("*")))
        return true;
    if (host.len == 0 || host.len > 253)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (!ascii_is_alnum(c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool value_parse_endpoint(struct slice text, uint16_t default_port,
                          struct config_endpoint *ret_endpoint, const char **ret_why)
{
    struct config_endpoint endpoint = {.kind = ENDPOINT_INET, .port = default_port};
    struct slice port;
    uint64_t number;

    if (slice_starts_with_nocase(text, SLICE("unix:"))) {
        endpoint.kind = ENDPOINT_UNIX;
        endpoint.host = slice_skip(text, 5);
        *ret_why = "wants an absolute path of at most 100 bytes, like unix:/run/dovecot/lmtp";
        if (endpoint.host.len < 2 || endpoint.host.ptr[0] != '/' || endpoint.host.len > 100)
            return false;
        endpoint.port = 0;
        *ret_endpoint = endpoint;
        return true;
    }
    if (!split_host_port(text, &endpoint.host, &port, ret_why))
        return false;
    *ret_why = "is no host; write a name, an address or [an IPv6 address], and ':PORT'";
    if (!is_host(endpoint.host, text.ptr[0] == '['))
        return false;
    *ret_why = port.len || !default_port ? "wants a port from 1 to 65535 at its end, like :25"
                                         : "ends in ':' without a port";
    if (port.len == 0 && (port.ptr || !default_port))
        return false;
    if (port.len) {
        if (!slice_parse_u64(port, 65535, &number) || number == 0)
            return false;
        endpoint.port = (uint16_t)number;
    }
    *ret_endpoint = endpoint;
    return true;
}

static bool is_url_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || strchr("#@\"<>\\^`{|}", text.ptr[i]))
            return false;
    }
    return true;
}

bool value_parse_url(struct slice text, struct value_url *ret_url)
{
    struct value_url url = {.tls = slice_starts_with_nocase(text, SLICE("https://"))};
    struct config_endpoint endpoint;
    struct slice authority;
    const char *why;
    size_t end = 0;

    if ((!url.tls && !slice_starts_with_nocase(text, SLICE("http://"))) || !is_url_text(text))
        return false;
    authority = slice_skip(text, url.tls ? strlen("https://") : strlen("http://"));
    while (end < authority.len && authority.ptr[end] != '/' && authority.ptr[end] != '?')
        end++;
    authority = slice_sub(authority, 0, end);
    if (!value_parse_endpoint(authority, url.tls ? 443 : 80, &endpoint, &why) ||
        endpoint.kind != ENDPOINT_INET || slice_eq(endpoint.host, SLICE("*")))
        return false;
    url.host = endpoint.host;
    url.port = endpoint.port;
    *ret_url = url;
    return true;
}

bool value_is_loopback(struct slice host)
{
    static const uint8_t v6[16] = {[15] = 1};
    uint8_t address[16];
    int family;

    if (slice_eq_nocase(host, SLICE("localhost")))
        return true;
    return value_parse_ip(host, &family, address) &&
           (family == AF_INET ? address[0] == 127 : memcmp(address, v6, sizeof(v6)) == 0);
}
