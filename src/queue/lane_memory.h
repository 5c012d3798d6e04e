/*
 * What a lane has learnt from its site's answers: how many of which class, the last words, and
 * which of our addresses are not to be used there for a while. Kept apart from the lane because few
 * lanes have any. Pure.
 */
#ifndef NUNCIO_QUEUE_LANE_MEMORY_H
#define NUNCIO_QUEUE_LANE_MEMORY_H

#include "queue/classify.h"

enum { LANE_SOURCES_MAX = 16, LANE_WORDS_MAX = 300, LANE_ADDRESS_MAX = 46 };

struct lane_source {
    char address[LANE_ADDRESS_MAX]; /* NUL-terminated */
    uint64_t until;                 /* queue time */
};

struct lane_memory {
    uint32_t classes[ANSWER_CLASSES]; /* answers since the lane is known */
    char words[LANE_WORDS_MAX];       /* of the last refusal, in ASCII */
    size_t words_len;
    struct lane_source sources[LANE_SOURCES_MAX];
    unsigned n_sources;
    uint64_t ipv4_until; /* queue time until which IPv6 is not used there */
};

void lane_memory_note(struct lane_memory *memory, enum answer_class class, struct slice words);
/* The address is not used there until then; when there are too many, the first to come back does so
 * now. */
void lane_memory_suspend(struct lane_memory *memory, struct slice address, uint64_t until);
/* NULL memory: nothing is suspended. */
bool lane_memory_is_suspended(const struct lane_memory *memory, struct slice address, uint64_t now);
/* How many are not used now. */
unsigned lane_memory_count_suspended(const struct lane_memory *memory, uint64_t now);

#endif
