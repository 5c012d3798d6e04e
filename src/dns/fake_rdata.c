/*
 * Records as they stand in a zone file to RDATA; only what a script of a test needs. See
 * fake_rdata.h.
 */
#include "dns/fake_rdata.h"

#include "dns/name.h"

#include <arpa/inet.h>

enum { RDATA_MAX = 65535, STRING_MAX = 255 };

static void put_u16(struct buf *out, uint16_t value)
{
    buf_add_char(out, (char)(value >> 8));
    buf_add_char(out, (char)(value & 0xff));
}

static uint64_t take_number(struct slice *rest, uint64_t max)
{
    uint64_t number;

    if (!slice_parse_u64(slice_cut(rest, ' '), max, &number))
        abort();
    return number;
}

static void put_name(struct buf *out, struct slice text)
{
    char name[DNS_NAME_MAX + 1];

    if (!dns_name_clean(text, name))
        abort();
    dns_name_write(out, name);
}

static void put_txt(struct buf *out, struct slice text)
{
    do {
        struct slice string = slice_sub(text, 0, STRING_MAX);
        buf_add_char(out, (char)string.len);
        buf_add_slice(out, string);
        text = slice_skip(text, string.len);
    } while (text.len);
}

static unsigned hex_digit(char digit)
{
    if (!ascii_is_alnum(digit))
        abort();
    return ascii_is_digit(digit) ? (unsigned)(digit - '0')
                                 : (unsigned)(ascii_lower(digit) - 'a') + 10;
}

static void put_tlsa(struct buf *out, struct slice text)
{
    for (unsigned i = 0; i < 3; i++)
        buf_add_char(out, (char)take_number(&text, UINT8_MAX));
    for (size_t i = 0; i + 1 < text.len; i += 2)
        buf_add_char(out, (char)(hex_digit(text.ptr[i]) << 4 | hex_digit(text.ptr[i + 1])));
}

static void put_address(struct buf *out, enum dns_type type, const char *text)
{
    unsigned char bytes[16];

    if (inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, bytes) != 1)
        abort();
    buf_add(out, bytes, type == DNS_A ? 4 : 16);
}

static void put_rdata(struct buf *out, enum dns_type type, struct slice text)
{
    switch (type) {
    case DNS_MX:
        put_u16(out, (uint16_t)take_number(&text, UINT16_MAX));
        break;
    case DNS_SRV:
        for (unsigned i = 0; i < 3; i++)
            put_u16(out, (uint16_t)take_number(&text, UINT16_MAX));
        break;
    case DNS_TXT:
        put_txt(out, text);
        return;
    case DNS_TLSA:
        put_tlsa(out, text);
        return;
    case DNS_CNAME:
    case DNS_PTR:
    case DNS_A:
    case DNS_AAAA:
        break;
    }
    put_name(out, text);
}

struct slice fake_rdata(enum dns_type type, const char *text, struct arena *arena)
{
    struct slice rdata;
    struct buf out;

    buf_init(&out, RDATA_MAX);
    if (type == DNS_A || type == DNS_AAAA)
        put_address(&out, type, text);
    else
        put_rdata(&out, type, slice_from_cstr(text));
    rdata = arena_dup(arena, buf_slice(&out));
    buf_done(&out);
    return rdata;
}
