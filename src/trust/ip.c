/*
 * Addresses of clients. See ip.h.
 *
 * An IPv4 address that comes in the clothes of IPv6 (::ffff:192.0.2.1) is undressed at the
 * entrance, because RFC 7208 section 5 and everybody's lists mean the same host by both. Networks
 * in records are not: "ip6:::ffff:192.0.2.1" matches nobody. Zone identifiers and numbers in other
 * bases are no addresses here.
 */
#include "trust/ip.h"

#include <arpa/inet.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct trust_ip trust_ip_from_bytes(const void *bytes, bool v6)
{
    struct trust_ip ip = {.v6 = v6};

    if (v6 && memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        ip.v6 = false;
        memcpy(ip.bytes, (const uint8_t *)bytes + sizeof(mapped_prefix), 4);
        return ip;
    }
    memcpy(ip.bytes, bytes, v6 ? 16 : 4);
    return ip;
}

static bool parse(struct slice text, int family, uint8_t *ret_bytes)
{
    char cstr[TRUST_IP_TEXT_MAX];

    if (text.len == 0 || text.len >= sizeof(cstr) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(cstr, text.ptr, text.len);
    cstr[text.len] = '\0';
    return inet_pton(family, cstr, ret_bytes) == 1;
}

bool trust_ip_parse_v4(struct slice text, uint8_t ret_bytes[static 4])
{
    return parse(text, AF_INET, ret_bytes);
}

bool trust_ip_parse_v6(struct slice text, uint8_t ret_bytes[static 16])
{
    return parse(text, AF_INET6, ret_bytes);
}

bool trust_ip_parse(struct slice text, struct trust_ip *ret_ip)
{
    bool v6 = slice_find(text, ':') >= 0;
    uint8_t bytes[16];

    if (v6 ? !trust_ip_parse_v6(text, bytes) : !trust_ip_parse_v4(text, bytes))
        return false;
    *ret_ip = trust_ip_from_bytes(bytes, v6);
    return true;
}

bool trust_ip_eq(const struct trust_ip *a, const struct trust_ip *b)
{
    return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

bool trust_ip_in_network(const struct trust_ip *ip, const uint8_t *bytes, unsigned prefix)
{
    unsigned whole = prefix / 8;
    uint8_t mask = (uint8_t)(0xff00 >> prefix % 8);

    if (memcmp(ip->bytes, bytes, whole) != 0)
        return false;
    return prefix % 8 == 0 || ((ip->bytes[whole] ^ bytes[whole]) & mask) == 0;
}

struct slice trust_ip_text(const struct trust_ip *ip, char space[static TRUST_IP_TEXT_MAX])
{
    inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->bytes, space, TRUST_IP_TEXT_MAX);
    return slice_from_cstr(space);
}

struct slice trust_ip_reverse(const struct trust_ip *ip, char space[static TRUST_IP_REVERSE_MAX])
{
    static const char digits[] = "0123456789abcdef";
    char *to = space;

    if (!ip->v6) {
        snprintf(space, TRUST_IP_REVERSE_MAX, "%u.%u.%u.%u.in-addr.arpa", ip->bytes[3],
                 ip->bytes[2], ip->bytes[1], ip->bytes[0]);
        return slice_from_cstr(space);
    }
    for (unsigned i = 16; i-- > 0;) {
        *to++ = digits[ip->bytes[i] & 15];
        *to++ = '.';
        *to++ = digits[ip->bytes[i] >> 4];
        *to++ = '.';
    }
    memcpy(to, "ip6.arpa", sizeof("ip6.arpa"));
    return slice_from_cstr(space);
}

bool trust_ip_among(const struct trust_ip *ip, const struct trust_answer *answer)
{
    size_t len = ip->v6 ? 16 : 4;

    for (unsigned i = 0; i < answer->n_records; i++) {
        struct slice bytes = answer->records[i].bytes;
        if (bytes.len == len && memcmp(bytes.ptr, ip->bytes, len) == 0)
            return true;
    }
    return false;
}
