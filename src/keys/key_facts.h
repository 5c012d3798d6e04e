/*
 * What is remembered of a key beside the key itself: a JSON object in a file of its own, so that
 * people can read it and a later version can add to it. Pure.
 */
#ifndef NUNCIO_KEYS_KEY_FACTS_H
#define NUNCIO_KEYS_KEY_FACTS_H

#include "base/arena.h"
#include "base/buf.h"

enum { KEY_FACTS_MAX = 4096 };

/* Times are seconds of wall time. */
struct key_facts {
    uint64_t made_s;
    uint64_t seen_s;     /* its record has been in the DNS since; 0: it is not there */
    uint64_t retired_s;  /* another key took over then; 0: not retired */
    struct slice sender; /* in the form of address_key(); empty: signs for all of its domain */
};

void key_facts_write(struct buf *out, const struct key_facts *facts);
/* Members that are missing are zero; others are passed over. False: it is no such object. */
bool key_facts_read(struct slice text, struct arena *arena, struct key_facts *ret_facts);

#endif
