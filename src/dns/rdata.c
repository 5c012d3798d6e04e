/*
 * The typed readers of RDATA: RFC 1035 sections 3.3.9 and 3.3.14, RFC 2782, RFC 6698 section 2.1.
 *
 * What stands here came over the network from whoever holds the zone, and a valid signature does
 * not make it sane. Each reader takes the whole of its RDATA or refuses it: a record with bytes too
 * few, too many or a name that cannot be one is as good as no record. Names are uncompressed, as
 * libunbound gives them.
 */
#include "dns/name.h"

/* The DNS is big-endian, unlike the rest of wire.h. */
static uint16_t get_u16(struct wire *wire)
{
    uint8_t high = wire_get_u8(wire);

    return (uint16_t)(high << 8 | wire_get_u8(wire));
}

static struct slice get_name(struct wire *wire, struct arena *arena)
{
    char name[DNS_NAME_MAX + 1];

    dns_name_read(wire, name);
    if (!wire_ended_well(wire))
        return SLICE_NULL;
    return slice_from_cstr(arena_cstr(arena, slice_from_cstr(name)));
}

bool dns_read_name(struct slice rdata, struct arena *arena, struct slice *ret_name)
{
    struct wire wire = wire_from(rdata);
    struct slice name = get_name(&wire, arena);

    if (name.ptr)
        *ret_name = name;
    return name.ptr != NULL;
}

bool dns_read_mx(struct slice rdata, struct arena *arena, struct dns_mx *ret_mx)
{
    struct wire wire = wire_from(rdata);
    uint16_t preference = get_u16(&wire);
    struct slice exchange = get_name(&wire, arena);

    if (exchange.ptr)
        *ret_mx = (struct dns_mx){.preference = preference, .exchange = exchange};
    return exchange.ptr != NULL;
}

bool dns_read_srv(struct slice rdata, struct arena *arena, struct dns_srv *ret_srv)
{
    struct wire wire = wire_from(rdata);
    struct dns_srv srv = {0};

    srv.priority = get_u16(&wire);
    srv.weight = get_u16(&wire);
    srv.port = get_u16(&wire);
    srv.target = get_name(&wire, arena);
    if (srv.target.ptr)
        *ret_srv = srv;
    return srv.target.ptr != NULL;
}

bool dns_read_txt(struct slice rdata, struct arena *arena, struct slice *ret_text)
{
    struct wire wire = wire_from(rdata);
    char *text = arena_alloc(arena, rdata.len + 1);
    size_t len = 0;

    if (rdata.len == 0)
        return false;
    while (wire.rest.len && !wire.failed) {
        struct slice string = wire_get_bytes(&wire, wire_get_u8(&wire));
        if (string.len)
            memcpy(text + len, string.ptr, string.len);
        len += string.len;
    }
    if (wire.failed)
        return false;
    *ret_text = slice_from(text, len);
    return true;
}

bool dns_read_tlsa(struct slice rdata, struct dns_tlsa *ret_tlsa)
{
    struct wire wire = wire_from(rdata);
    struct dns_tlsa tlsa = {0};

    tlsa.usage = wire_get_u8(&wire);
    tlsa.selector = wire_get_u8(&wire);
    tlsa.matching = wire_get_u8(&wire);
    tlsa.data = wire.rest;
    if (wire.failed || tlsa.data.len == 0)
        return false;
    *ret_tlsa = tlsa;
    return true;
}
