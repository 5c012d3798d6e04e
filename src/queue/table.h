/*
 * A hash table of 32-bit handles: eight to sixteen bytes for each.
 *
 * The items and their keys are the caller's; the table asks for an item's hash when it grows or
 * closes a gap. Open addressing with linear probing, at most half full, never a tombstone.
 */
#ifndef NUNCIO_QUEUE_TABLE_H
#define NUNCIO_QUEUE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    uint64_t (*hash_of)(const void *owner, uint32_t handle);
    const void *owner;
    uint32_t *slots; /* 0: empty */
    size_t size;     /* a power of two, or 0 */
    size_t used;
};

void table_init(struct table *table, uint64_t (*hash_of)(const void *owner, uint32_t handle),
                const void *owner);
void table_done(struct table *table);

/* The handle for which `is` says yes, or 0. */
uint32_t table_find(const struct table *table, uint64_t hash,
                    bool (*is)(const void *owner, uint32_t handle, const void *key),
                    const void *key);
/* The handle must not be in the table yet. */
void table_add(struct table *table, uint32_t handle);
/* Nothing happens when it is not there. */
void table_remove(struct table *table, uint32_t handle);

/* Mixes a number well enough for a hash. */
uint64_t table_mix(uint64_t number);

#endif
