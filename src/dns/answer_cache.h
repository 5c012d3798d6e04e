/*
 * Answers that are known already, in front of libunbound: its own cache lies behind a pipe and a
 * thread, 60 us and two switches away (0.5 us here). Bounded in entries and bytes. Thread-safe.
 * Included by src/dns alone.
 */
#ifndef NUNCIO_DNS_ANSWER_CACHE_H
#define NUNCIO_DNS_ANSWER_CACHE_H

#include "dns/dns.h"

struct answer_cache;

struct answer_cache *answer_cache_new(void);
void answer_cache_free(struct answer_cache *cache);

/* The answer with what is left of its TTL, in the arena. `name` is clean (name.h). */
bool answer_cache_find(struct answer_cache *cache, const char *name, enum dns_type type,
                       uint64_t now_ms, struct arena *arena, struct dns_answer *ret_answer);
/* For as long as its TTL; a failure for ANSWER_CACHE_FAILURE_MS, so that a broken domain is not
 * asked for each of its messages; a timeout not at all, since its answer may still come. */
enum { ANSWER_CACHE_FAILURE_MS = 15000 };
void answer_cache_put(struct answer_cache *cache, const char *name, enum dns_type type,
                      uint64_t now_ms, const struct dns_answer *answer);
/* Nothing that was put in before is found any more. */
void answer_cache_clear(struct answer_cache *cache);

#endif
