/*
 * "did you mean ...?": the nearest of several right words to a wrong one, by edit distance.
 */
#ifndef NUNCIO_CONFIG_SUGGEST_H
#define NUNCIO_CONFIG_SUGGEST_H

#include "base/slice.h"

struct suggestion {
    struct slice wrong;
    struct slice best; /* empty: nothing near enough was offered */
    size_t distance;
};

struct suggestion suggestion_for(struct slice wrong);
void suggestion_offer(struct suggestion *suggestion, struct slice right);

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b, in bytes without
 * regard to ASCII case; SIZE_MAX when one of them is longer than SUGGEST_WORD_MAX. */
enum { SUGGEST_WORD_MAX = 64 };
size_t suggestion_distance(struct slice a, struct slice b);

/* For the end of a message: ", did you mean '%.*s'?" or nothing. */
struct suggestion_text {
    char text[SUGGEST_WORD_MAX + 24];
};
struct suggestion_text suggestion_text(const struct suggestion *suggestion);

#endif
