/* Text of strangers, made fit for a reply, a header field, a terminal. Pure. */
#ifndef NUNCIO_TRUST_PRINTABLE_H
#define NUNCIO_TRUST_PRINTABLE_H

#include "base/arena.h"

/* Printable ASCII, one "?" for each other byte; what is longer than `max` ends in "...". */
struct slice printable_text(struct arena *arena, struct slice text, size_t max);

#endif
