/*
 * Cursors over binary data with a sticky error: write or read ten fields, check once.
 *
 * All integers are little-endian. A byte string is its length (u32) and its bytes. The writer
 * appends to a struct buf and so inherits its bound; the reader never leaves its slice, and returns
 * zero or the empty slice after the first short read, with `failed` set. Slices it returns point
 * into the input.
 */
#ifndef NUNCIO_BASE_WIRE_H
#define NUNCIO_BASE_WIRE_H

#include "base/buf.h"

void wire_put_u8(struct buf *buf, uint8_t value);
void wire_put_u16(struct buf *buf, uint16_t value);
void wire_put_u32(struct buf *buf, uint32_t value);
void wire_put_u64(struct buf *buf, uint64_t value);
void wire_put_slice(struct buf *buf, struct slice s);

struct wire {
    struct slice rest;
    bool failed;
};

struct wire wire_from(struct slice input);
uint8_t wire_get_u8(struct wire *wire);
uint16_t wire_get_u16(struct wire *wire);
uint32_t wire_get_u32(struct wire *wire);
uint64_t wire_get_u64(struct wire *wire);
struct slice wire_get_slice(struct wire *wire);
/* A u8 that is 0 or 1; another one is a failure. */
bool wire_get_bool(struct wire *wire);
/* A u32 that says how many elements follow: no more than `max`, and no more than the rest could
 * hold at a byte each; otherwise a failure and 0. */
uint32_t wire_get_count(struct wire *wire, uint32_t max);
/* Exactly n bytes. */
struct slice wire_get_bytes(struct wire *wire, size_t n);
/* Nothing failed and nothing is left. */
bool wire_ended_well(const struct wire *wire);

#endif
