/*
 * What messages were signed with lately, by their id, so that the units of one message, which come
 * at the same time for different sites, are hashed and signed once. Any thread.
 *
 * Bounded: SIGN_CACHE_PLACES messages, of which some share a place; who finds it taken signs for
 * himself.
 */
#ifndef NUNCIO_RELAY_SIGN_CACHE_H
#define NUNCIO_RELAY_SIGN_CACHE_H

#include "base/arena.h"
#include "base/slice.h"

enum { SIGN_CACHE_PLACES = 256 };

struct sign_cache;
struct sign_cache *sign_cache_new(void);
void sign_cache_free(struct sign_cache *cache); /* NULL is fine */

/*
 * True with the fields (from the arena), perhaps after waiting, at most until the deadline
 * (monotonic), for somebody who is about to make them. False: the caller makes them, and calls
 * sign_cache_keep() in any case.
 */
bool sign_cache_find(struct sign_cache *cache, uint64_t id, uint64_t deadline, struct arena *arena,
                     struct slice *ret_fields);
/* They are made, or (`fields` empty) they are not: the next one shall try. */
void sign_cache_keep(struct sign_cache *cache, uint64_t id, struct slice fields);

#endif
