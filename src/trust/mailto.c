/*
 * mailto URIs of records that ask for reports (RFC 8460 section 3, RFC 9989 section 4.6). Header
 * fields behind "?" are the receiver's wish and of no use to us. "," "!" and ";" are
 * percent-encoded in such URIs, so that cutting at them is safe. See mailto.h.
 */
#include "trust/mailto.h"

#include "base/buf.h"
#include "mail/address.h"

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool percent_decode(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int high, low;
        if (text.ptr[i] != '%') {
            buf_add_char(out, text.ptr[i]);
            continue;
        }
        if (text.len - i < 3)
            return false;
        high = hex_digit(text.ptr[i + 1]);
        low = hex_digit(text.ptr[i + 2]);
        if (high < 0 || low < 0)
            return false;
        buf_add_char(out, (char)(high << 4 | low));
        i += 2;
    }
    return !out->overflow;
}

bool mailto_read(struct slice uri, struct arena *arena, struct slice *ret_address)
{
    struct slice scheme = SLICE("mailto:"), encoded;
    struct address address;
    struct buf decoded;
    bool good;

    if (!slice_starts_with_nocase(uri, scheme))
        return false;
    encoded = slice_skip(uri, scheme.len);
    encoded = slice_cut(&encoded, '?');
    encoded = slice_cut(&encoded, '!');
    buf_init(&decoded, ADDRESS_PATH_MAX);
    good = percent_decode(encoded, &decoded) &&
           address_parse_mailbox(buf_slice(&decoded), 0, &address).error == ADDRESS_OK &&
           address.kind == ADDRESS_DOMAIN;
    if (good)
        *ret_address = arena_dup(arena, buf_slice(&decoded));
    buf_done(&decoded);
    return good;
}

struct slice mailto_host(struct slice uri, struct arena *arena)
{
    struct slice address, ascii;

    if (!mailto_read(uri, arena, &address) ||
        address_domain_to_ascii(arena, address_domain(address), &ascii) != 0)
        return SLICE_NULL;
    return ascii;
}
