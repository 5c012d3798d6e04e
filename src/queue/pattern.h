/*
 * Patterns of the command line: "*" stands for any bytes, none too; everything else for itself,
 * without regard to ASCII case. Pure.
 */
#ifndef NUNCIO_QUEUE_PATTERN_H
#define NUNCIO_QUEUE_PATTERN_H

#include "base/slice.h"

/* Does the whole text fit? Takes at most the product of the two lengths. */
bool pattern_fits(struct slice pattern, struct slice text);
/* Does the text have this in it, in any case of ASCII letters? The empty part is in every text. */
bool pattern_is_in(struct slice part, struct slice text);

#endif
