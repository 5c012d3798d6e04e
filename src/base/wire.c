/* Little-endian encoding with sticky errors. See wire.h. */
#include "base/wire.h"

static void put_number(struct buf *buf, uint64_t value, size_t width)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < width; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    buf_add(buf, bytes, width);
}

void wire_put_u8(struct buf *buf, uint8_t value)
{
    put_number(buf, value, 1);
}

void wire_put_u16(struct buf *buf, uint16_t value)
{
    put_number(buf, value, 2);
}

void wire_put_u32(struct buf *buf, uint32_t value)
{
    put_number(buf, value, 4);
}

void wire_put_u64(struct buf *buf, uint64_t value)
{
    put_number(buf, value, 8);
}

void wire_put_slice(struct buf *buf, struct slice s)
{
    if (s.len > UINT32_MAX) {
        buf->overflow = true;
        return;
    }
    wire_put_u32(buf, (uint32_t)s.len);
    buf_add_slice(buf, s);
}

struct wire wire_from(struct slice input)
{
    return (struct wire){.rest = input};
}

struct slice wire_get_bytes(struct wire *wire, size_t n)
{
    struct slice taken = slice_sub(wire->rest, 0, n);

    if (wire->failed || n > wire->rest.len) {
        wire->failed = true;
        return SLICE_NULL;
    }
    wire->rest = slice_skip(wire->rest, n);
    return taken;
}

static uint64_t get_number(struct wire *wire, size_t width)
{
    struct slice bytes = wire_get_bytes(wire, width);
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value |= (uint64_t)(unsigned char)bytes.ptr[i] << (8 * i);
    return value;
}

uint8_t wire_get_u8(struct wire *wire)
{
    return (uint8_t)get_number(wire, 1);
}

uint16_t wire_get_u16(struct wire *wire)
{
    return (uint16_t)get_number(wire, 2);
}

uint32_t wire_get_u32(struct wire *wire)
{
    return (uint32_t)get_number(wire, 4);
}

uint64_t wire_get_u64(struct wire *wire)
{
    return get_number(wire, 8);
}

struct slice wire_get_slice(struct wire *wire)
{
    return wire_get_bytes(wire, wire_get_u32(wire));
}

bool wire_get_bool(struct wire *wire)
{
    uint8_t value = wire_get_u8(wire);

    if (value > 1)
        wire->failed = true;
    return value == 1;
}

uint32_t wire_get_count(struct wire *wire, uint32_t max)
{
    uint32_t count = wire_get_u32(wire);

    if (count <= max && count <= wire->rest.len)
        return count;
    wire->failed = true;
    return 0;
}

bool wire_ended_well(const struct wire *wire)
{
    return !wire->failed && wire->rest.len == 0;
}
