/*
 * The PROXY protocol. See peer.h.
 *
 * Version 1 is a line of text, version 2 a binary header with a length; both come before anything
 * else on the connection. TLVs of version 2 and its checksum are skipped over: nothing in them
 * decides anything here.
 */
#include "smtp/peer.h"

#include <arpa/inet.h>

enum { V1_MAX = 107, V2_HEAD = 16, V2_IPV4 = 12, V2_IPV6 = 36 };

static const struct slice v2_signature = SLICE_INIT("\r\n\r\n\0\r\nQUIT\n");

static bool parse_address(struct slice text, enum smtp_family family, uint8_t *ret_address)
{
    char cstr[INET6_ADDRSTRLEN + 1];
    int af = family == SMTP_FAMILY_IPV4 ? AF_INET : AF_INET6;

    if (text.len == 0 || text.len >= sizeof(cstr))
        return false;
    memcpy(cstr, text.ptr, text.len);
    cstr[text.len] = '\0';
    return inet_pton(af, cstr, ret_address) == 1;
}

static bool parse_v1_line(struct slice line, struct smtp_endpoint *ret_client)
{
    struct smtp_endpoint client = {.family = SMTP_FAMILY_IPV4};
    struct smtp_endpoint server;
    uint64_t port, server_port;
    struct slice word;

    (void)slice_cut(&line, ' '); /* "PROXY", which the caller has seen */
    word = slice_cut(&line, ' ');
    if (slice_eq(word, SLICE("UNKNOWN"))) {
        *ret_client = (struct smtp_endpoint){.family = SMTP_FAMILY_NONE};
        return true;
    }
    if (slice_eq(word, SLICE("TCP6")))
        client.family = SMTP_FAMILY_IPV6;
    else if (!slice_eq(word, SLICE("TCP4")))
        return false;
    if (!parse_address(slice_cut(&line, ' '), client.family, client.address) ||
        !parse_address(slice_cut(&line, ' '), client.family, server.address) ||
        !slice_parse_u64(slice_cut(&line, ' '), UINT16_MAX, &port) ||
        !slice_parse_u64(line, UINT16_MAX, &server_port))
        return false;
    client.port = (uint16_t)port;
    *ret_client = client;
    return true;
}

static enum smtp_proxy parse_v1(struct slice input, size_t *ret_used,
                                struct smtp_endpoint *ret_client)
{
    ptrdiff_t lf = slice_find(slice_sub(input, 0, V1_MAX), '\n');

    if (lf < 0)
        return input.len < V1_MAX ? SMTP_PROXY_MORE : SMTP_PROXY_BAD;
    if (input.ptr[lf - 1] != '\r' ||
        !parse_v1_line(slice_sub(input, 0, (size_t)lf - 1), ret_client))
        return SMTP_PROXY_BAD;
    *ret_used = (size_t)lf + 1;
    return SMTP_PROXY_DONE;
}

static bool parse_v2_block(uint8_t command, uint8_t family, struct slice block,
                           struct smtp_endpoint *ret_client)
{
    struct smtp_endpoint client = {.family = SMTP_FAMILY_NONE};
    size_t address_len = family == 0x11 ? 4 : 16;
    const uint8_t *bytes = (const uint8_t *)block.ptr;

    if (command == 0x21 && (family == 0x11 || family == 0x21)) {
        if (block.len < (family == 0x11 ? V2_IPV4 : V2_IPV6))
            return false;
        client.family = family == 0x11 ? SMTP_FAMILY_IPV4 : SMTP_FAMILY_IPV6;
        memcpy(client.address, bytes, address_len);
        client.port = (uint16_t)(bytes[2 * address_len] << 8 | bytes[2 * address_len + 1]);
    } else if (command != 0x20 && command != 0x21) {
        return false;
    }
    *ret_client = client;
    return true;
}

static enum smtp_proxy parse_v2(struct slice input, size_t *ret_used,
                                struct smtp_endpoint *ret_client)
{
    const uint8_t *bytes = (const uint8_t *)input.ptr;
    size_t len;

    if (input.len < V2_HEAD)
        return SMTP_PROXY_MORE;
    len = (size_t)(bytes[14] << 8 | bytes[15]);
    if (len > SMTP_PROXY_MAX - V2_HEAD)
        return SMTP_PROXY_BAD;
    if (input.len < V2_HEAD + len)
        return SMTP_PROXY_MORE;
    if (!parse_v2_block(bytes[12], bytes[13], slice_sub(input, V2_HEAD, len), ret_client))
        return SMTP_PROXY_BAD;
    *ret_used = V2_HEAD + len;
    return SMTP_PROXY_DONE;
}

static bool begins_like(struct slice input, struct slice signature)
{
    size_t len = input.len < signature.len ? input.len : signature.len;

    return slice_eq(slice_sub(input, 0, len), slice_sub(signature, 0, len));
}

enum smtp_proxy smtp_proxy_parse(struct slice input, size_t *ret_used,
                                 struct smtp_endpoint *ret_client)
{
    if (input.len == 0)
        return SMTP_PROXY_MORE;
    if (begins_like(input, SLICE("PROXY ")))
        return parse_v1(input, ret_used, ret_client);
    if (begins_like(input, v2_signature))
        return parse_v2(input, ret_used, ret_client);
    return SMTP_PROXY_BAD;
}
