/*
 * Answers remembered by the address that was asked for. Bounded: a fixed number of places, each for
 * one answer of limited size; an answer that falls on a taken place replaces what was there.
 *
 * It does not know when an answer is out of date: its owner empties it.
 */
#ifndef NUNCIO_ACCOUNT_CACHE_H
#define NUNCIO_ACCOUNT_CACHE_H

#include "base/slice.h"

enum { CACHE_PLACES = 4096, CACHE_ENTRY_MAX = 2048 };

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache *cache);
void cache_clear(struct cache *cache);
/* Key and value are copied; nothing happens when both are longer than CACHE_ENTRY_MAX. */
void cache_put(struct cache *cache, struct slice key, struct slice value);
/* Good until the next put or clear. */
bool cache_get(const struct cache *cache, struct slice key, struct slice *ret_value);

#endif
