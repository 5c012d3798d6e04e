/*
 * Edit distance with swaps (optimal string alignment), on words short enough for the stack. A word
 * is near when at most a third of it is wrong, and never by more than three edits. See suggest.h.
 */
#include "config/suggest.h"

#include <string.h>

struct suggestion suggestion_for(struct slice wrong)
{
    size_t allowed = wrong.len / 3 < 3 ? wrong.len / 3 : 3;

    return (struct suggestion){.wrong = wrong, .distance = (allowed ? allowed : 1) + 1};
}

void suggestion_offer(struct suggestion *suggestion, struct slice right)
{
    size_t distance = suggestion_distance(suggestion->wrong, right);

    if (distance < suggestion->distance && distance < right.len) {
        suggestion->best = right;
        suggestion->distance = distance;
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggestion_distance(struct slice a, struct slice b)
{
    /* Three rows of the table: before the last, last, current. */
    size_t rows[3][SUGGEST_WORD_MAX + 1];

    if (a.len > SUGGEST_WORD_MAX || b.len > SUGGEST_WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *twice_above = rows[(i + 1) % 3];
        char x = ascii_lower(a.ptr[i - 1]);
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char y = ascii_lower(b.ptr[j - 1]);
            row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == ascii_lower(b.ptr[j - 2]) && y == ascii_lower(a.ptr[i - 2]))
                row[j] = least(row[j], twice_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

struct suggestion_text suggestion_text(const struct suggestion *suggestion)
{
    struct suggestion_text text = {""};

    if (suggestion->best.len)
        snprintf(text.text, sizeof(text.text), ", did you mean '%.*s'?",
                 SLICE_ARG(suggestion->best));
    return text;
}
